"""Settings of the network and of its training, with the defaults that the paper leaves unsaid.

Defaults follow Keras, in which the paper's wording is that of layer names; PyTorch's own differ.
No torch here: planning reads settings only.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """Values checked once and then fixed; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class TrainSettings(Settings):
    """How one arm is trained."""

    epochs: int = Field(30, ge=1, lt=2**31)
    """Passes over the train split, those of the warm-up included."""
    learning_rate: float = Field(1e-3, gt=0)
    """RMSprop's step size (Keras)."""
    warmup_epochs: int = Field(0, ge=0)
    """First epochs, trained on BCE; never chosen as an arm's best."""
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


STACK_SHARED = ("epochs", "rho", "rms_epsilon", "precision")
"""Training settings that all arms of a stack have in common."""
