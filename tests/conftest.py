"""Two devices for every test: set before anything imports JAX."""

import os

os.environ.setdefault('XLA_FLAGS', '--xla_force_host_platform_device_count=2')
