"""What `plan` prints: arms to do, the time that they take, and what that costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from results.places import place_of
from results.render import Cell, Table, TwoDecimals
from sweep.budget import search_budget
from sweep.costs import Costs, Work, work_at_most, work_of
from sweep.duration import duration
from sweep.pace import Pace, Place, recorded_pace
from sweep.plan import Plan
from sweep.prices import Prices
from sweep.stacks import Stack, cut
from sweep.workers import GPU_WIDTH, Allotment, Node, Workers, allot, local_cores

BUILD_FEATURES = "build them with `softsweep features`: arm keys depend on their bytes"
NO_FEATURES = "features are not built yet"
UNKNOWN = "unknown: add --probe"


@dataclass(frozen=True)
class Known:
    """What is known of the time that arms take.

    Attributes:
        paces: by language and batch size.
        source: whose pace it is, in words.
        allotment: how trials would share such a device.
        per_gpu: trials that share a GPU.
    """

    paces: Mapping[Place, Pace]
    source: str
    allotment: Allotment
    per_gpu: int = 1

    @property
    def unit(self) -> str:
        """What is busy while arms train: `core` or `GPU`."""
        return "core" if self.allotment.device == "cpu" else "GPU"

    def costs(self, work: Iterable[Work]) -> Costs:
        """The time that work takes."""
        return Costs.of(work, self.paces, self.allotment, self.per_gpu)


def known_from_records(plan: Plan, workers: Workers) -> Known:
    """Time as the recorded arms of the run have taken it, on the device asked for."""
    paces = recorded_pace(plan.recorded, workers.device)
    device = next((pace.device for pace in paces.values()), "cpu")
    node = Node(local_cores(), gpus=int(device != "cpu"))
    allotment = allot(workers, device, [node], len(plan.wanted))
    source = f"the arms of this run that are recorded ({device})"
    return Known(paces, source, allotment, workers.trials_per_gpu)


def plan_tables(plan: Plan, known: Known, width: int | None, prices: Prices) -> list[Table]:
    """Arms wanted, recorded and to do by language and batch size, the time they take, the money.

    Args:
        plan: what is to do.
        known: what is known of time.
        width: most arms of a stack, if the user says.
        prices: of machines.
    """
    stacks = cut(plan.todo, known.allotment.width, known.allotment.slots) if plan.todo else []
    work = work_of(stacks)
    rows: list[tuple[Cell, ...]] = []
    for language in plan.job.experiment.languages:
        if language not in plan.features:
            rows.append((language, None, None, None, None, NO_FEATURES))
            continue
        for size in sorted(plan.job.experiment.grid.batch_size):
            wanted, todo = (
                len([1 for arm in arms if (arm.language, arm.batch_size) == (language, size)])
                for arms in (plan.wanted, plan.todo)
            )
            time = _time(known, work, (language, size))
            rows.append((language, size, wanted, wanted - todo, todo, time))
    notes = [
        f"{len(plan.wanted)} arms wanted, {len(plan.wanted) - len(plan.todo)} recorded, "
        f"{len(plan.todo)} to do; run folder {place_of(plan.job.run)}",
        *([_cut(stacks, known.allotment, width)] if stacks else []),
    ]
    columns = ("language", "b", "wanted", "recorded", "to do")
    title = f"Plan of {plan.job.experiment.name}"
    return _tables(plan, title, columns, rows, notes, known, work, prices)


def budget_tables(plan: Plan, known: Known, prices: Prices) -> list[Table]:
    """What a search takes at most, by language and batch size: arms, epochs, time, the money.

    Args:
        plan: of the search.
        known: what is known of time.
        prices: of machines.
    """
    budgets = search_budget(plan.job, plan.features)
    work = work_at_most(budgets)
    rows: list[tuple[Cell, ...]] = [
        (
            budget.language,
            budget.batch_size,
            budget.studies,
            budget.tries,
            f"{budget.tried} x {budget.tried_epochs}",
            f"{budget.trained} x {budget.trained_epochs}",
            _time(known, work, (budget.language, budget.batch_size)),
        )
        for budget in budgets
    ]
    lacking = [name for name in plan.job.experiment.languages if name not in plan.features]
    rows += [(language, *[None] * 5, NO_FEATURES) for language in lacking]
    notes = [
        "studies: one for each loss and each part of dev that chooses its setting",
        "at most: parts of dev may try, and choose, the same setting; what is recorded is not "
        f"trained again (run folder {place_of(plan.job.run)})",
    ]
    columns = (
        "language", "b", "studies", "tries each", "arms tried x epochs", "arms trained x epochs"
    )  # fmt: skip
    title = f"Budget of the search of {plan.job.experiment.name}"
    return _tables(plan, title, columns, rows, notes, known, work, prices)


def _time(known: Known, work: Iterable[Work], place: Place) -> str:
    """Time of cores or GPUs that the work of a language and batch size takes."""
    costs = known.costs(one for one in work if one.place == place)
    return UNKNOWN if costs.unknown else duration(3600 * costs.hours)


def _cut(stacks: Sequence[Stack], here: Allotment, width: int | None) -> str:
    """How the arms to do would be cut."""
    widest = max(len(stack) for stack in stacks)
    where = "this machine's CPU" if here.device == "cpu" else "GPUs"
    said = (
        f"stacks on {where}: {len(stacks)} (arms in the largest: {widest}, trained at once: "
        f"{here.slots}, threads of each: {here.threads})"
    )
    if here.device == "cpu":
        said += f"; on a GPU, up to {width or GPU_WIDTH} arms would train together"
    return said


def _tables(
    plan: Plan,
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Cell, ...]],
    notes: Sequence[str],
    known: Known,
    work: Sequence[Work],
    prices: Prices,
) -> list[Table]:
    """The table of arms with what is said of time, and that of money where there is any."""
    costs = known.costs(work)
    lacking = len(plan.features) < len(plan.job.experiment.languages)
    notes = [*notes, *_time_notes(known, costs), *([BUILD_FEATURES] if lacking else [])]
    table = Table("plan", title, (*columns, f"{known.unit} time"), tuple(rows), notes=tuple(notes))
    at_most = ", at most" if plan.job.experiment.search else ""
    return [table, _money(known, costs, prices, at_most)] if costs.trials else [table]


def _time_notes(known: Known, costs: Costs) -> list[str]:
    """Whose pace it is, and the time all takes together."""
    if not known.paces:
        return []
    notes = [f"{known.unit} time: by the pace of {known.source}"]
    if costs.trials:
        slots = known.allotment.slots
        clock, longest = costs.clock(slots), costs.longest
        notes.append(
            f"in all {costs.hours:.3g} {known.unit}-hours; {slots} trials at once take "
            f"{duration(clock)} on the clock; no number of them takes less than the longest, "
            f"{duration(longest)}"
        )
    if costs.unknown:
        where = ", ".join(f"{language} b={size}" for language, size in sorted(costs.unknown))
        notes.append(f"without {where}, of which no pace is known: add --probe")
    return notes


def _money(known: Known, costs: Costs, prices: Prices, at_most: str) -> Table:
    """What the trials would cost on each kind of machine that can train them."""
    rows: list[tuple[Cell, ...]] = []
    for name, instance in prices.instances.items():
        if each := instance.trials(costs.device, costs.threads, costs.per_gpu):
            machines = -(-known.allotment.slots // each)
            clock = costs.clock(machines * each) / 3600
            hours = machines * clock
            head = clock * prices.head.on_demand if prices.head else 0.0
            spot = None if instance.spot is None else TwoDecimals(hours * instance.spot + head)
            on_demand = TwoDecimals(hours * instance.on_demand + head)
            rows.append((name, each, machines, TwoDecimals(hours), spot, on_demand))
    with_head = f"money: with the head, {prices.head.name} on demand; " if prices.head else ""
    return Table(
        "money",
        f"Money for what is to do{at_most}, {prices.currency}",
        ("machine", "trials each", "machines", "hours", "spot", "on demand"),
        tuple(rows),
        notes=(
            f"hours are of the device whose pace it is ({known.source}): how much faster or slower "
            "these machines are is not known; run the probe on one of them (--address)",
            f"{with_head}hours: of all these machines until the last trial ends; not their start, "
            "nor the building of features, tables, storage and traffic",
            f"prices of {prices.as_of}: {prices.source}; your own: --prices FILE",
        ),
    )
