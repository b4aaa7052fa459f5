# SPDX-License-Identifier: MIT
"""The files of --profile=folded: and what stacks they hold."""


def expect(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def stacks_of(path):
    stacks = {}
    for line in path.read_text().splitlines():
        stack, count = line.rsplit(" ", 1)
        expect(int(count) > 0 and stack not in stacks, f"a bad line: {line}")
        stacks[tuple(stack.split(";"))] = int(count)
    return stacks


def hot_functions(run):
    """Both functions are there under what called them, and so is the kernel under the call that went there."""
    path = run.directory / "folded"
    run(f"--profile=folded:{path}", "--argv0", "hot", run.program("hot"))
    stacks = stacks_of(path)
    text = "\n".join(";".join(stack) for stack in stacks)
    expect(all(stack[0] in ("hot", "kernel") for stack in stacks), text)
    own = [stack for stack in stacks if stack[0] == "hot"]
    for name, caller in (("mix", "hot_one"), ("hot_two", "work"), ("ask", "work")):
        found = [stack for stack in own if name in stack]
        expect(bool(found), f"{name} is missing in\n{text}")
        expect(any(stack[stack.index(name) - 1] == caller for stack in found), f"{name} is not called by {caller} in\n{text}")
    expect(all(stack[1].startswith("_start") for stack in own if "work" in stack), text)
    in_kernel = [stack for stack in own if stack[-1] == "clock_read_[k]"]
    expect(any("ask" in stack and "clock_time_get" in stack for stack in in_kernel), f"no kernel time of clock_read in\n{text}")


def rate(run):
    """The rate is what was asked for, at most: a busy machine may give less."""
    path = run.directory / "folded"
    run(f"--profile=folded:{path}", "--profile-hz", "50", run.program("hot"))
    count = sum(stacks_of(path).values())
    expect(0 < count <= 50 * 130, f"{count} samples")


def wrong(run):
    for form in ("folded:", "flat", f"folded:{run.directory}/none/x"):
        done = run(f"--profile={form}", run.program("hello"), exit_code=125)
        expect(b"--profile" in done.stderr, done.stderr.decode())


TESTS = {"profile: hot functions": hot_functions, "profile: rate": rate, "profile: wrong": wrong}
