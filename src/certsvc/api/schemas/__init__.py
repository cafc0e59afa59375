"""What requests and answers look like on the wire. For the wire only: the rules know none of it."""
