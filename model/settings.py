"""Settings of the network and of its training, with the defaults that the paper leaves unsaid.

Defaults follow Keras, in which the paper's wording is that of layer names; PyTorch's own differ.
No torch here: planning reads settings only.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """Values checked once and then fixed; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NetworkSettings(Settings):
    """The paper's convolutional network (section 4)."""

    heights: tuple[Annotated[int, Field(ge=1)], ...] = Field((1, 2, 3, 4, 5, 6), min_length=1)
    """Rows that the filters of each branch span."""
    filters: int = Field(128, ge=1)
    """Filters of each branch."""
    norm_momentum: float = Field(0.01, gt=0, le=1)
    """Weight of a batch in BatchNorm's running statistics (Keras: momentum 0.99)."""
    norm_epsilon: float = Field(1e-3, gt=0)
    """Added to BatchNorm's variances (Keras)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the pooled features that each text of a training step loses, in a draw that all arms
    of one seed have in common."""


class TrainSettings(Settings):
    """How one arm is trained."""

    epochs: int = Field(30, ge=1, lt=2**31)
    """Passes over the train split, those of the warm-up included."""
    learning_rate: float = Field(1e-3, gt=0)
    """RMSprop's step size (Keras)."""
    warmup_epochs: int = Field(0, ge=0)
    """First epochs, trained on BCE; never chosen as an arm's best."""
    bce_weight: float = Field(0.0, ge=0, lt=1)
    """w of a hybrid: (1 - w) times the loss plus w times BCE is minimised. Not in the warm-up."""
    polarisation: float = Field(0.0, ge=0)
    """λ of the polariser: λ times the mean of 4 o (1 - o), which is 0 where every output is 0 or 1
    and a soft metric equals its hard one, is minimised as well. Not in the warm-up."""
    ramp_epochs: float = Field(0.0, ge=0)
    """Over so many epochs from the start, the learning rate rises evenly from 0."""
    weight_decay: float = Field(0.0, ge=0)
    """A step moves filters and output weights towards 0 by this share times the learning rate
    (AdamW's decoupled decay); neither biases nor BatchNorm."""
    reset_optimizer: bool = False
    """Whether RMSprop forgets its averages after the warm-up."""
    rho: float = Field(0.9, ge=0, lt=1)
    """Decay of RMSprop's mean square (Keras)."""
    rms_epsilon: float = Field(1e-7, gt=0)
    """Added to RMSprop's root mean square (Keras)."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of factors and results of the first layer's products; everything else is float32."""

    @model_validator(mode="after")
    def _some_epoch_can_be_chosen(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs is {self.warmup_epochs} of {self.epochs} epochs; "
                "at least one epoch must follow the warm-up"
            )
        return self

    @model_validator(mode="after")
    def _the_learning_rate_is_reached(self) -> Self:
        if self.ramp_epochs > self.epochs:
            raise ValueError(
                f"ramp_epochs is {self.ramp_epochs:g} of {self.epochs} epochs; "
                "the learning rate must be reached before the end"
            )
        return self


STACK_SHARED = ("epochs", "rho", "rms_epsilon", "precision")
"""Training settings that all arms of a stack have in common."""
