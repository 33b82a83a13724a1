"""What the system tests and the attacks stand on: real runtimes, images made on the spot, and the service."""
