"""Other engines at the same task, one file each; they run in environments of their own and import only this package."""
