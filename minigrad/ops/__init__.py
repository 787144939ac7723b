"""The op table. Each module is a family of rows; each public name works on arrays, Tensors and Symbols alike.

NumPy's own functions lead here (`np.exp(tensor)`); this namespace adds what NumPy lacks (`relu`, `softmax`, `gather`),
and `Op` and `elementwise` for rows of your own.
"""

from ..core.op import Op
from ..core.table import ROWS, implements
from .arithmetic import *
from .bags import *
from .batch import reshape_rows
from .comparison import *
from .contraction import *
from .creation import *
from .diagonals import *
from .distinct import *
from .einsum import *
from .error_function import *
from .exponential import *
from .extrema import *
from .families import elementwise
from .gather import *
from .ids import ids_of
from .index import *
from .join import *
from .linalg import *
from .logits import *
from .movement import *
from .nans import *
from .neural import *
from .norms import *
from .numerical import *
from .probabilities import *
from .queries import *
from .random import dropout_mask
from .reduction import *
from .scan import *
from .shape import *
from .sort import *
from .statistics import *
from .take import *
from .trigonometry import *
