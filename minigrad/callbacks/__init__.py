"""What watches and steers the training of a model.

>>> from minigrad.callbacks import EarlyStopping
>>> EarlyStopping(patience=3).monitor
'val_loss'
"""

from .callback import Callback, LambdaCallback
from .callback_list import CallbackList
from .early_stopping import EarlyStopping
from .history import History
from .progbar_logger import ProgbarLogger
from .terminate_on_nan import TerminateOnNaN

__all__ = [
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ProgbarLogger",
    "TerminateOnNaN",
]
