"""What a stored model may be made of: the classes of this package, and those of Keras that only compute.

The config in a `.keras` file names classes and functions by module and name, and Keras imports whatever is named: a program
can be hidden in it, in a `Lambda` layer for instance, and by other ways that Keras's `safe_mode` does not know. So every name
in a config is compared with the lists below before anything is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from hyperml_tf._keras import PACKAGE


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KERAS_CLASSES: Mapping[str, frozenset[str]] = {
    "keras.layers": _names(
        """
        Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D
        AveragePooling2D BatchNormalization Bidirectional CategoryEncoding Concatenate Conv1D Conv1DTranspose Conv2D
        Conv2DTranspose Cropping1D Cropping2D Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU
        EinsumDense Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
        GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D GroupNormalization HashedCrossing Hashing Identity
        InputLayer IntegerLookup LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D Maximum
        Minimum MultiHeadAttention Multiply Normalization PReLU Permute RNN ReLU RepeatVector Rescaling Reshape
        SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D StackedRNNCells
        StringLookup Subtract TextVectorization ThresholdedReLU TimeDistributed UnitNormalization UpSampling1D UpSampling2D
        ZeroPadding1D ZeroPadding2D
        """
    ),
    "keras.initializers": _names(
        """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
        RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
        """
    ),
    "keras.regularizers": _names("L1 L1L2 L2 OrthogonalRegularizer"),
    "keras.constraints": _names("MaxNorm MinMaxNorm NonNeg RadialConstraint UnitNorm"),
    "keras.optimizers": _names("Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lion Nadam RMSprop SGD"),
    "keras.optimizers.schedules": _names(
        """
        CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay
        """
    ),
    "keras.losses": _names(
        """
        BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy CategoricalHinge
        CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
        MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge
        """
    ),
    "keras.metrics": _names(
        """
        AUC Accuracy BinaryAccuracy BinaryCrossentropy CategoricalAccuracy CategoricalCrossentropy CosineSimilarity F1Score
        FalseNegatives FalsePositives Hinge KLDivergence Mean MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
        MeanSquaredLogarithmicError Poisson Precision Recall RootMeanSquaredError SparseCategoricalAccuracy
        SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives
        TruePositives
        """
    ),
    "keras.mixed_precision": frozenset({"LossScaleOptimizer", "Policy"}),
    "keras": frozenset({"Sequential"}),
    # What Keras writes where a class is not exported.
    "keras.engine.functional": frozenset({"Functional"}),
    "keras.layers.core.tf_op_layer": frozenset({"SlicingOpLambda", "TFOpLambda"}),
}
"""Classes of Keras by the module that a config names; `tf_keras` counts as `keras`, and `keras.src` too."""

KERAS_FUNCTIONS = _names(
    """
    elu exponential gelu hard_sigmoid linear mish relu selu sigmoid softmax softplus softsign swish tanh binary_accuracy
    binary_crossentropy categorical_accuracy categorical_crossentropy cosine_similarity hinge mean_absolute_error
    mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson sparse_categorical_accuracy
    sparse_categorical_crossentropy squared_hinge
    """
)
"""Functions of Keras, by name: activations, losses and metrics."""

OPERATIONS = _names(
    """
    __operators__.add __operators__.eq __operators__.getitem __operators__.ne cast clip_by_value concat expand_dims
    gather linalg.l2_normalize linalg.matmul linalg.norm math.abs math.add math.cos math.divide math.divide_no_nan
    math.exp math.greater math.l2_normalize math.less math.log math.log1p math.maximum math.minimum math.multiply
    math.negative math.pow math.reduce_max math.reduce_mean math.reduce_min math.reduce_sum math.sigmoid math.sin
    math.sqrt math.square math.subtract math.tanh math.truediv nn.elu nn.gelu nn.relu nn.sigmoid nn.softmax nn.tanh norm
    ones_like reshape shape squeeze stack tanh tile transpose where zeros_like
    """
)
"""Operations of TensorFlow in functional models, such as that of `x + y`."""

_VALUES = frozenset({"__bytes__", "__numpy__", "__tensor__"})
_OPERATION_LAYERS = KERAS_CLASSES["keras.layers.core.tf_op_layer"]


def check_config(config: Any, source: str, custom_objects: Mapping[str, Any] | None = None) -> None:
    """Raises an error if the config of a stored model names a class or a function that is not allowed.

    Args:
        config: The contents of a `config.json`: dictionaries, lists, strings and numbers.
        source: String, the name of the file for error messages.
        custom_objects: Further classes and functions that may be named, by name. Defaults to `None`.

    Raises:
        ValueError: If something else is named, with its place in the config.

    Example:

    >>> layer = tf.keras.layers.Dense(2, activation="relu")
    >>> check_config(tf.keras.utils.serialize_keras_object(layer), "a layer")
    """
    objects = custom_objects or {}
    # Also under the name that a decorator has given them, if it has: Keras would look for the module of any other name.
    named = {tf.keras.utils.get_registered_name(value): value for value in objects.values()}
    trusted = {name for name, value in named.items() if tf.keras.utils.get_registered_object(name) is value}
    _Check(source, frozenset({*objects, *trusted})).walk(config, "config")


class _Check:
    def __init__(self, source: str, trusted: frozenset[str]) -> None:
        self.source, self.trusted = source, trusted
        # Keras takes a plain string for the object that is registered under it. Those of others are not for a file to choose.
        self.foreign = {
            name for name, value in tf.keras.utils.get_custom_objects().items() if not _is_ours(value)
        } - trusted

    def walk(self, value: Any, place: str) -> None:
        if isinstance(value, dict):
            if "class_name" in value:
                self.check_object(value, place)
            for key, inner in value.items():
                self.walk(inner, f"{place}.{key}")
        elif isinstance(value, list):
            for position, inner in enumerate(value):
                self.walk(inner, f"{place}[{position}]")
        elif isinstance(value, str) and value in self.foreign and not place.endswith(".name"):
            raise self.refused(f"the registered name {value!r}", place)

    def check_object(self, value: dict[str, Any], place: str) -> None:
        name, module, registered = value["class_name"], value.get("module"), value.get("registered_name")
        described = f"the class {name!r} of the module {module!r}, registered as {registered!r},"
        if name in _VALUES and "module" not in value:
            return
        if name == "function":
            if value.get("config") not in self.trusted and not _is_keras_function(value):
                raise self.refused(f"the function {value.get('config')!r} of the module {module!r}", place)
            return
        # Keras looks the registered name up first, and imports the module only if there is none.
        if isinstance(registered, str) and registered in self.trusted:
            return
        if not _is_our_class(value) and not _is_keras_class(value):
            raise self.refused(described, place)
        self.check_arguments(value.get("config"), name, place)

    def check_arguments(self, config: Any, name: str, place: str) -> None:
        """Arguments of allowed classes that would read a file or call a function."""
        if not isinstance(config, dict):
            raise self.refused(f"a config of type {type(config).__name__} for {name!r}", place)
        if name in _OPERATION_LAYERS and config.get("function") not in OPERATIONS:
            raise self.refused(f"the operation {config.get('function')!r}", place)
        if isinstance(config.get("vocabulary"), str):
            raise self.refused("a vocabulary in another file", place)

    def refused(self, received: str, place: str) -> ValueError:
        return ValueError(
            f"`{self.source}` must hold only classes of hyperml_tf and of Keras that are known to run no code of a file. If you "
            "trust whoever wrote it, name what else it needs in `custom_objects`, see docs/threat_model.md. "
            f"Received: {received} at {place}"
        )


def _is_ours(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).startswith(f"{PACKAGE}.")


def _is_our_class(value: dict[str, Any]) -> bool:
    name = f"{PACKAGE}>{value['class_name']}"
    return value.get("registered_name") == name and _is_ours(tf.keras.utils.get_registered_object(name))


def _is_keras_class(value: dict[str, Any]) -> bool:
    name, module, registered = value["class_name"], value.get("module"), value.get("registered_name")
    if not isinstance(module, str) or not isinstance(name, str) or registered not in (None, name):
        return False
    # A class that somebody has registered under a name of Keras would be taken in its place.
    replaced = tf.keras.utils.get_registered_object(name) is not None
    return name in KERAS_CLASSES.get(_as_keras(module), ()) and not replaced


def _is_keras_function(value: dict[str, Any]) -> bool:
    name, module = value.get("config"), value.get("module")
    named = isinstance(name, str) and value.get("registered_name") in (None, "function", name)
    known = module == "builtins" or _as_keras(str(module)) in KERAS_CLASSES or module == "keras.activations"
    return named and known and name in KERAS_FUNCTIONS and tf.keras.utils.get_registered_object(name) is None


def _as_keras(module: str) -> str:
    """The name of a module without the differences between releases: `keras.layers` for `tf_keras.src.layers`."""
    parts = module.removeprefix("tf_").split(".")
    return ".".join(part for place, part in enumerate(parts) if (place, part) != (1, "src"))
