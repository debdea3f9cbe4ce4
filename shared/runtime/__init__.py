"""What makes an app a service: consumers, jobs, clocks, settings, health."""
