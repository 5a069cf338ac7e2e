"""What is counted: requests, latencies, mirrors."""
