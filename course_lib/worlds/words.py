"""Words that say how a number is meant, in small letters. Only English ones are known."""

# what denies a number, or bounds it
NEGATIONS = frozenset("not n't never neither nor isn't wasn't cannot can't".split())
LIMITS = frozenset(
    "between either less more fewer greater below above under over exceeds than".split()
)
HEDGES = frozenset("maybe possibly perhaps even about another also probably".split())
GUESSES = frozenset("could might may maybe perhaps possibly alternatively otherwise else".split())
MINUS_WORDS = frozenset(["minus", "negative"])
JOINS = frozenset("or and and/or to through versus vs remainder rem r".split())
# words behind which another number is about something else: "18 for 3 days", "42, not 43"
ASIDES = frozenset(
    "for in after because since as by at on with from when which that if using where per out not "
    "rather instead so than given therefore rounded".split()
)
# units of which two make one quantity: "5 feet 6 inches"
COMPOUND = frozenset(
    "feet foot ft inches inch in yards miles hours hour hrs minutes minute min seconds second days "
    "weeks months years pounds ounces lbs lb oz dollars dollar cents cent m cm km kg g".split()
)
PARTS = frozenset("half halves third thirds quarter quarters fourth fifth".split())
COPULAS = frozenset("is are was be equals equal makes totals costs of".split())
# verbs behind which a number is what a sentence tells
VERBS = (COPULAS - {"of"}) | frozenset(
    "has have had earns earned earn pays paid pay gets got get makes made make needs needed need "
    "spends spent spend saves saved save costs cost leaves takes took take gives give gave "
    "receives received were being left".split()
)
FILLERS = frozenset(
    "about approximately approx roughly around nearly almost exactly just simply only therefore "
    "thus then so hence equal to a the total of now still also again indeed x y n".split()
)
CHINESE_DIGITS = frozenset("零〇一二两三四五六七八九十百千万")
NUMBER_WORDS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million none half".split()
)
