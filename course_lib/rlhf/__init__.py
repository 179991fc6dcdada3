"""Reinforcement learning from human feedback, readable: the other arm of the course's comparison.

One file a method: :mod:`~course_lib.rlhf.grpo` (with RLOO, RAFT, RAFT++ and REINFORCE as switches), :mod:`~course_lib.rlhf.ppo`,
:mod:`~course_lib.rlhf.dpo`. What the online methods share, sampling a batch and the loop around it, is in :mod:`~course_lib.rlhf.online`.
"""
