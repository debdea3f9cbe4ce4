"""Terms that ended, and what became of them: judged by the three months after, and by what a person says."""
