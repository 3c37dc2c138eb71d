"""The policy document: models, loader, versions and default packs."""
