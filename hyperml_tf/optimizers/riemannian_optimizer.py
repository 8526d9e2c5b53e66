"""What the Riemannian optimizers share: slots, and reading and writing only the rows that a gradient touches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf.ball_variables import ball_curvature
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.euclidean import Euclidean
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.poincare_ball import PoincareBall


class Slot(NamedTuple):
    """A variable the optimizer keeps beside each trained one.

    Attributes:
        name: its name.
        scalar: whether it holds one number a point for variables on the ball; otherwise it has the variable's shape.
        initial: its initial value.
    """

    name: str
    scalar: bool = False
    initial: float = 0.0


class RiemannianOptimizer(tf.keras.optimizers.Optimizer):
    """Base class: a subclass names its `slots` and states its rule once, in `update_points`.

    **Which variables are on the ball.** Those marked by `hyperml_tf.ball_variables.mark_on_ball`, as our embedding layers do.
    Their Riemannian gradient is the Euclidean one divided by `lambda_x^2`, steps follow the manifold, and the result is
    inside the ball (`geometry.poincare.project`) for the curvature of that moment. On every other variable the rule is
    the Euclidean one.

    **At c = 0** the ball is flat space with the metric `4 |dx|^2` (`lambda_0 = 2`). A step of SGD with learning rate
    `r` then is a Euclidean one with `r / 4`. A step of Adagrad or Adam has its *Riemannian* length set by `r`, which is
    half that Euclidean length.

    **Sparse gradients.** For a `tf.IndexedSlices`, the gradient of a lookup, duplicate rows are summed, and only the
    rows named are read and written, in the variable and in the slots: the cost does not depend on the size of the
    table. This is the *lazy* form: the moments of a row that had no gradient neither decay nor move it. On dense
    gradients of Euclidean variables the results are those of the Keras optimizer of the same name.

    **Clipping** (`clipnorm`, `global_clipnorm`, `clipvalue`) acts on Euclidean gradients, as in Keras, but after
    duplicate rows were summed, so sparse and dense gradients are clipped alike. Near the boundary of the ball Euclidean
    gradients are large (they scale with `lambda_x`) without the Riemannian ones being so.

    **What touches whole tables**, because Keras does it so: `weight_decay` and `use_ema`. Weight decay is refused for
    variables on the ball. An average of points of the ball is inside the ball, so `use_ema` works, at that price.

    A NaN or infinite gradient makes the rows it touches NaN: nothing hides it, and no time is spent looking for it.

    Args:
        learning_rate: a number or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        retraction: how a step moves a point of the ball: `"expmap"` follows the geodesic; `"projection"` adds the tangent vector
            and projects, which is cheaper and agrees to first order.
        name: the optimizer's name.
        weight_decay: decoupled weight decay of Keras, for Euclidean variables; None or 0 for none.
        clipnorm: the largest norm of the gradient of each variable, or None.
        clipvalue: the largest absolute value of a gradient's entries, or None.
        global_clipnorm: the largest norm of all gradients together, or None.
        use_ema: whether to keep exponential moving averages of the variables.
        ema_momentum: the decay of those averages.
        ema_overwrite_frequency: after how many steps the averages replace the variables, or None.
        jit_compile: whether to compile the update with XLA (only used on a GPU, by Keras).
        **kwargs: what else `tf.keras.optimizers.Optimizer` accepts.

    Raises:
        ValueError: if `retraction` is unknown. On `build`: if a variable on the ball is not float32 or float64, or would
            be subject to weight decay.
    """

    def __init__(
        self,
        learning_rate: Any,
        retraction: str = "expmap",
        name: str = "RiemannianOptimizer",
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        if retraction not in ("expmap", "projection"):
            raise ValueError(f'`retraction` must be "expmap" or "projection". Received: retraction={retraction!r}')
        super().__init__(
            name=name,
            weight_decay=weight_decay or None,  # Keras multiplies whole tables even by a decay of 0
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            jit_compile=jit_compile,
            **kwargs,
        )
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.retraction = retraction

    @property
    @abstractmethod
    def slots(self) -> tuple[Slot, ...]:
        """What is kept beside each variable."""

    @abstractmethod
    def update_points(
        self, manifold: Manifold, egrad: Tensor, slots: tuple[Tensor, ...], learning_rate: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One step of the rule.

        Args:
            manifold: the manifold, with the points before the step, `(..., dim)`.
            egrad: their Euclidean gradients, `(..., dim)`.
            slots: the values of the slots for these points, in the order of `self.slots`.
            learning_rate: a scalar.

        Returns:
            The points and the slots after the step.
        """

    def build(self, var_list: Sequence[Any]) -> None:
        """Creates the slots.

        Args:
            var_list: the variables to train.
        """
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        # The variables themselves carry the mark; inside an update Keras may hand over a replica or an unwrapped variable.
        # Not tracked: a checkpoint stores slots through the list of all variables that Keras keeps.
        self._trained = self._no_dependency(list(var_list))
        self._slot_variables = self._no_dependency([self._create_slots(variable) for variable in var_list])
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> None:
        """Applies one gradient to one variable; called by Keras for each pair.

        Args:
            gradient: a tensor of the variable's shape, or a `tf.IndexedSlices` whose indices may repeat.
            variable: a variable the optimizer was built with.
        """
        index = self._index_dict[self._var_key(variable)]
        slots = self._slot_variables[index]
        curvature = ball_curvature(self._trained[index])
        rate = tf.cast(self.learning_rate, variable.dtype)
        if isinstance(gradient, tf.IndexedSlices):
            gradient = merge_rows(gradient)
            indices, egrad = gradient.indices, gradient.values
            points, *values = [tf.gather(v, indices) for v in (variable, *slots)]
        else:
            indices, egrad = None, gradient
            points, *values = [tf.convert_to_tensor(v) for v in (variable, *slots)]
        manifold = Euclidean(points) if curvature is None else PoincareBall(points, curvature, self.retraction)
        points, new_slots = self.update_points(manifold, egrad, tuple(values), rate)
        for target, value in zip((variable, *slots), (points, *new_slots), strict=True):
            if indices is None:
                target.assign(value)
            else:
                target.scatter_update(tf.IndexedSlices(value, indices))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate": self._serialize_hyperparameter(self._learning_rate),
            "retraction": self.retraction,
        }

    def _create_slots(self, variable: Any) -> tuple[Any, ...]:
        shape = variable.shape
        dtype = getattr(variable, "true_dtype", variable.dtype)
        on_ball = ball_curvature(variable) is not None
        if on_ball:
            self._check_ball_variable(variable, dtype)

        def create(slot: Slot) -> Any:
            slot_shape = [*shape[:-1], 1] if on_ball and slot.scalar else shape
            initial = tf.fill(slot_shape, tf.constant(slot.initial, dtype))
            return self.add_variable_from_reference(variable, slot.name, initial_value=initial)

        return tuple(create(slot) for slot in self.slots)

    def _check_ball_variable(self, variable: Any, dtype: tf.DType) -> None:
        if dtype not in (tf.float32, tf.float64):
            raise ValueError(
                "A variable on the ball must be float32 or float64: half precision cannot hold a point near the boundary. "
                f"Received: {variable.name} of dtype {dtype.name}"
            )
        if self.weight_decay is not None and self._use_weight_decay(variable):
            raise ValueError(
                "`weight_decay` has no meaning for points of the ball: leave it None, use a regularizer, or call "
                "`exclude_from_weight_decay` for this variable before training. "
                f"Received: weight_decay={self.weight_decay} and {variable.name} on the ball"
            )

    def _clip_gradients(self, grads: Sequence[Any]) -> Sequence[Any]:
        # Keras clips before it sums duplicate rows: a norm that depends on how often a row was looked up.
        if self.clipnorm or self.global_clipnorm or self.clipvalue:
            grads = [merge_rows(g) if isinstance(g, tf.IndexedSlices) else g for g in grads]
        return super()._clip_gradients(grads)

    def _deduplicate_sparse_grad(self, grads: Sequence[Any]) -> Sequence[Any]:
        # `update_step` does it, so that it happens once and on every path.
        return grads


def merge_rows(gradient: tf.IndexedSlices) -> tf.IndexedSlices:
    """Sums the rows of a sparse gradient that have the same index.

    Args:
        gradient: `m` rows, values `(m, ...)`, indices `(m,)` in any order and repeating.

    Returns:
        The same gradient with distinct indices, in the order of their first appearance.
    """
    indices, positions = tf.unique(gradient.indices)
    # Rows that were looked up once each come as they are.
    values = tf.cond(
        tf.size(indices) < tf.size(gradient.indices),
        lambda: tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(indices)),
        lambda: gradient.values,
    )
    return tf.IndexedSlices(values, indices, gradient.dense_shape)
