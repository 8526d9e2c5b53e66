"""Where users and items lie: towers from raw ids to points, and what they read."""
