"""The base class of the Riemannian optimizers: which manifold a variable is on, and which of its rows a step touches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.ball_variables import ball_curvature
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.euclidean import Euclidean
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.poincare_ball import PoincareBall
from hyperml_tf.optimizers.slots import Slot, SlotTable
from hyperml_tf.optimizers.sparse_gradients import merge_rows

LearningRate = float | Callable[..., Any] | dict[str, Any]
"""A number, a schedule or the config of one."""


@names_arguments
class RiemannianOptimizer(tf.keras.optimizers.Optimizer):
    """Base class of optimizers for points on the Poincaré ball, and for Euclidean variables beside them.

    A subclass declares its `slots` and implements `update_points`, once for both kinds of variable.

    **Variables on the ball** are those marked by `hyperml_tf.ball_variables.mark_on_ball`, as the layers of this package
    do. Their Riemannian gradient is the Euclidean gradient divided by `lambda_x^2`, steps follow the manifold, and the
    result is inside the ball of the current curvature (see `hyperml_tf.geometry.poincare.project`). All other variables
    get Euclidean steps.

    **At c = 0** the ball is flat space with the metric `4 |dx|^2`, because `lambda_0 = 2`. A step of SGD with learning
    rate `r` is then a Euclidean step with `r / 4`. For Adagrad and Adam, `r` sets the *Riemannian* length of a step, and
    the Euclidean length is half of it.

    **Near the boundary** Euclidean gradients are large, because they scale with `lambda_x`; Riemannian gradients need not
    be. A point at the largest radius of its dtype can move back inside like any other point.

    **Sparse gradients.** The gradient of a lookup is a `tf.IndexedSlices`. Duplicate rows are summed, and only the rows
    that occur in it are read and written, in the variable and in its slots, so the cost of a step does not depend on
    the size of the table. This is the *lazy* form of an optimizer: where a row has no gradient, its moments do not decay
    and it does not move. With dense gradients of Euclidean variables, the result is that of the Keras optimizer of the
    same name.

    **Clipping** (`clipnorm`, `global_clipnorm`, `clipvalue`) applies to Euclidean gradients, as in Keras, but after
    duplicate rows are summed, so that sparse and dense gradients are clipped alike.

    **Operations on whole tables.** `weight_decay` and `use_ema` update every row of a variable at each step. Weight
    decay is not supported for variables on the ball. `use_ema` is, because an average of points of the ball is inside
    the ball.

    A gradient that is NaN or infinite makes the rows it belongs to NaN. The optimizer neither checks for it nor skips
    it.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        retraction: String. How a step moves a point of the ball: `"expmap"` follows the geodesic; `"projection"` adds the
            tangent vector and projects onto the ball, which is cheaper and agrees to first order. Defaults to `"expmap"`.
        name: String. The name of the optimizer.
        weight_decay: Float or None. Decoupled weight decay for Euclidean variables. Defaults to `None`; 0 means the same.
        clipnorm: Float or None. The gradient of each variable is clipped to this norm.
        clipvalue: Float or None. The entries of each gradient are clipped to this absolute value.
        global_clipnorm: Float or None. All gradients together are clipped to this norm.
        use_ema: Boolean. Whether to keep an exponential moving average of every variable. Defaults to `False`.
        ema_momentum: Float in `[0, 1]`. The momentum of that average. Defaults to `0.99`.
        ema_overwrite_frequency: Integer or None. The averages overwrite the variables every so many steps; if None, only at
            the end of `fit`.
        jit_compile: Boolean. Whether to compile the update with XLA. Keras does so only if there is a GPU. Defaults to
            `False`.
        **kwargs: Other arguments of `tf.keras.optimizers.Optimizer`.

    Raises:
        ValueError: If `retraction` is neither `"expmap"` nor `"projection"`. When the optimizer is built: if a variable on
            the ball is neither float32 nor float64, or if weight decay would apply to it.

    Reference:
        - [Bonnabel, 2013](https://arxiv.org/abs/1111.5280)
        - [Bécigneul and Ganea, 2019](https://arxiv.org/abs/1810.00760)

    Example:

    >>> from hyperml_tf.ball_variables import mark_on_ball
    >>> class Descent(RiemannianOptimizer):
    ...     slots = ()
    ...     def update_points(self, manifold, egrad, slots, learning_rate):
    ...         return manifold.retr(-learning_rate * manifold.egrad2rgrad(egrad)), ()
    >>> x = tf.Variable([[0.0, 0.5]])
    >>> mark_on_ball(x, 1.0)
    >>> optimizer = Descent(learning_rate=1.0)
    >>> for _ in range(50):
    ...     optimizer.minimize(lambda: tf.reduce_sum(x**2), [x])
    >>> bool(tf.norm(x) < 1e-3)
    True
    """

    def __init__(
        self,
        learning_rate: LearningRate,
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
            weight_decay=weight_decay or None,  # with 0, Keras would still multiply whole tables
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
        self._slot_table = SlotTable()

    @property
    @abstractmethod
    def slots(self) -> tuple[Slot, ...]:
        """The slots of each variable."""

    @abstractmethod
    def update_points(
        self, manifold: Manifold, egrad: Tensor, slots: tuple[Tensor, ...], learning_rate: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Computes one step of the update rule.

        Args:
            manifold: The manifold at the points before the step, which have shape `(..., dim)`.
            egrad: The Euclidean gradients of these points, of shape `(..., dim)`.
            slots: The values of the slots for these points, in the order of `self.slots`.
            learning_rate: A scalar.

        Returns:
            The points and the values of the slots after the step.
        """

    def build(self, var_list: Sequence[Any]) -> None:
        """Creates the slots of the variables to train.

        Args:
            var_list: List of `tf.Variable`.

        Raises:
            ValueError: If a variable on the ball is neither float32 nor float64, or if weight decay would apply to it.
        """
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        for variable in var_list:
            self._slot_table.add(self._var_key(variable), variable, self._create_slots(variable))
        self._built = True

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        name: str | None = None,
        skip_gradients_aggregation: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Applies gradients to variables, as `tf.keras.optimizers.Optimizer.apply_gradients` does.

        The one difference is that clipping sees each row of a sparse gradient once. Keras clips before it sums duplicate rows.
        """
        if self.clipnorm or self.global_clipnorm or self.clipvalue:
            if kwargs.pop("experimental_aggregate_gradients", True) and not skip_gradients_aggregation:
                grads_and_vars = self.aggregate_gradients(list(grads_and_vars))
            skip_gradients_aggregation = True
            grads_and_vars = [
                (merge_rows(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient, variable)
                for gradient, variable in grads_and_vars
            ]
        return super().apply_gradients(grads_and_vars, name, skip_gradients_aggregation, **kwargs)

    def update_step(self, gradient: Any, variable: Any) -> None:
        """Applies one gradient to one variable. `apply_gradients` calls it for each pair.

        Args:
            gradient: A tensor of the variable's shape, or a `tf.IndexedSlices` with distinct indices, as `apply_gradients`
                makes them.
            variable: A variable that the optimizer was built with.
        """
        # Keras may pass a replica's copy of the variable. The mark is read from the variable of `build`.
        trained, slots = self._slot_table[self._var_key(variable)]
        curvature = ball_curvature(trained)
        rate = tf.cast(self.learning_rate, variable.dtype)
        if isinstance(gradient, tf.IndexedSlices):
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
        rate, schedules = self._learning_rate, tf.keras.optimizers.schedules
        scheduled = isinstance(rate, schedules.LearningRateSchedule)
        return {
            **super().get_config(),
            "learning_rate": schedules.serialize(rate) if scheduled else float(tf.keras.backend.get_value(rate)),
            "retraction": self.retraction,
        }

    def _create_slots(self, variable: Any) -> tuple[Any, ...]:
        shape = variable.shape
        dtype = getattr(variable, "true_dtype", variable.dtype)  # a variable of mixed precision says which it is
        on_ball = ball_curvature(variable) is not None
        if on_ball:
            self._check_ball_variable(variable, dtype)

        def create(slot: Slot) -> Any:
            slot_shape = [*shape[:-1], 1] if on_ball and slot.scalar else shape

            def initial() -> Tensor:
                return tf.fill(slot_shape, tf.constant(slot.initial, dtype))

            # A function, which is called where the variable is: a tensor would be sent to its parameter server.
            return self.add_variable_from_reference(variable, slot.name, initial_value=initial)

        return tuple(create(slot) for slot in self.slots)

    def _check_ball_variable(self, variable: Any, dtype: tf.DType) -> None:
        if dtype not in (tf.float32, tf.float64):
            raise ValueError(
                "A variable on the ball must be float32 or float64, because half precision cannot represent points near the "
                f"boundary. Received: variable {variable.name} of dtype {dtype.name}"
            )
        if self.weight_decay is not None and self._use_weight_decay(variable):
            raise ValueError(
                "`weight_decay` is not supported for variables on the ball. Leave it None, use a regularizer, or call "
                "`exclude_from_weight_decay` for this variable before training. "
                f"Received: weight_decay={self.weight_decay} and variable {variable.name} on the ball"
            )
