"""Past one machine: jobs in parts, Ray Data, several processes, servers, and plans of the costs.

Nothing is imported here: each file needs packages of its own (the extra ``[scale]``).
"""
