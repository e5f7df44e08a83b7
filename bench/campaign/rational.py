from .cases import case
from .play import play as p
def play(*a): pass
