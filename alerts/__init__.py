"""From signals to decisions, appeals, incidents and notifications; pure but for notify."""
