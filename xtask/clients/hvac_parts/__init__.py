"""What hvac does in the clients rig, one file for each area of the API."""
