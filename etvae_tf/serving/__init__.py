"""Trained models as SavedModels, behind TF Serving or called here."""
