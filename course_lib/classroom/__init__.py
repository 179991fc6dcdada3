"""What a student sees: figures, explorers, questions, checks, and the record of progress."""
