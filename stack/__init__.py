"""The system under load that ships with the harness: application, servers, supervisor and faults."""
