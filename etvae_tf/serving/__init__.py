"""Trained models as SavedModels, and the client of a server that holds them."""
