"""What a command line does in the clients rig, one file for each area."""
