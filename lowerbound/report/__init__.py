"""What people look at: tables and figures. Nothing here computes a result."""
