"""What watches and steers the training of a model.

>>> from minigrad.callbacks import EarlyStopping
>>> EarlyStopping(patience=3).monitor
'val_loss'
"""

from minigrad.callbacks.callback import Callback, LambdaCallback
from minigrad.callbacks.callback_list import CallbackList
from minigrad.callbacks.early_stopping import EarlyStopping
from minigrad.callbacks.history import History
from minigrad.callbacks.progbar_logger import ProgbarLogger
from minigrad.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ProgbarLogger",
    "TerminateOnNaN",
]
