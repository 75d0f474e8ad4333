"""Shapes of a model's parts, shown to Keras when it asks: symbolic calls would be most of the time to build one."""

from __future__ import annotations

from typing import Any

import keras

from etvae_tf.models.inputs import CheckedModel

__all__ = ["ShownModel"]


class ShownModel(CheckedModel):
    """A model with encoder, decoder and vote head that is called symbolically before a summary or an export."""

    _shown = False

    def summary(self, *args: Any, **kwargs) -> None:
        """As of `keras.Model`, with the shapes of every part."""
        self._show()
        super().summary(*args, **kwargs)

    def export(self, *args: Any, **kwargs) -> None:
        """As of `keras.Model`; the model need not have been called."""
        self._show()
        super().export(*args, **kwargs)

    def _show(self) -> None:
        if self._shown:
            return
        images = keras.Input(self.image_shape)
        self(images)
        loc, scale, pose, canonical = self.encoder(images)
        latent = self.sampling(loc, scale, keras.Input(batch_shape=(2,), dtype="int32"))
        [part(latent) for part in (self.decoder, self.vote_head, self.pretext)]
        if self.from_canonical is not None:
            self.from_canonical(canonical, pose)
        self._shown = True
