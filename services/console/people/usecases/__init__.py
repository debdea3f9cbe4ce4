"""What is done with people; each is audited in its transaction, without what opens their account."""
