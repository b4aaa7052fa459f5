# SPDX-License-Identifier: MIT
"""The files of --trace: the Trace Event Format, read strictly."""

import collections
import json
import re

KERNEL = 1_000_000_000  # the process with the CPUs' tracks


def expect(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


class Trace:
    """Events by track in the order of time; slices are nested, or this fails."""

    def __init__(self, path):
        file = json.loads(path.read_text())
        events = file["traceEvents"]
        self.lost = int(file["otherData"]["lost"])
        self.processes, self.threads = {}, {}
        self.tracks = collections.defaultdict(list)
        for event in events:
            if event["ph"] == "M":
                if event["name"] == "process_name":
                    self.processes[event["pid"]] = event["args"]["name"]
                elif event["name"] == "thread_name":
                    self.threads[event["pid"], event["tid"]] = event["args"]["name"]
            else:
                self.tracks[event["pid"], event["tid"]].append(event)
        for events in self.tracks.values():
            events.sort(key=lambda event: event["ts"])
        self.slices = [slice_ for track in self.tracks for slice_ in self.nest(track)]

    def nest(self, track):
        """The slices of a track: (track, category, name, begin, end or None, arguments, name of the one around it)."""
        open_, done = [], []
        for event in self.tracks[track]:
            if event["ph"] == "B":
                open_.append(event)
            elif event["ph"] == "E":
                expect(bool(open_), f"{track}: a slice ends that has not begun, at {event['ts']}")
                begin = open_.pop()
                around = open_[-1]["name"] if open_ else None
                done.append((track, begin["cat"], begin["name"], begin["ts"], event["ts"], event["args"], around))
        done += [(track, event["cat"], event["name"], event["ts"], None, {}, None) for event in open_]
        return done

    def calls(self, pid):
        return [s for s in self.slices if s[0][0] == pid and s[1] == "call"]


def one_program(run):
    """Every call is there, by name and with its status; the thread runs on CPUs one at a time."""
    path = run.directory / "trace.json"
    done = run("--stats", "--cpus", "2", "--trace", path, "--argv0", 'a "name"', run.program("objects"))
    trace = Trace(path)
    expect(trace.lost == 0, f"{trace.lost} events were lost")
    expect(trace.processes[1] == 'a "name"', f"processes: {trace.processes}")
    expect('a "name"/1' in trace.threads.values(), f"threads: {trace.threads}")
    calls = trace.calls(1)
    counted = int(re.search(rb" calls=(\d+)", done.stderr)[1])
    expect(len(calls) == counted, f"{len(calls)} calls, --stats says {counted}")
    names = {name for _, _, name, *_ in calls}
    expect({"event_create", "channel_write", "handle_close"} <= names, f"calls: {names}")
    statuses = {arguments.get("status") for *_, arguments, _ in calls}
    expect({"bad_handle", "timed_out"} <= statuses, f"statuses: {statuses}")
    expect(all(end is not None for _, _, name, _, end, *_ in calls), "a call has no end")
    runs = [s for s in trace.slices if s[0][0] == KERNEL and s[1] == "cpu"]
    expect(any(s[2] == 'a "name"/1' for s in runs), "the thread runs on no CPU")
    expect(all(around is None for *_, around in runs), "a CPU runs two threads at a time")
    own = sorted((begin, end) for _, _, name, begin, end, *_ in runs if name == 'a "name"/1' and end is not None)
    expect(all(a[1] <= b[0] for a, b in zip(own, own[1:])), "a thread runs on two CPUs at a time")
    expect("ended" in {arguments.get("why") for *_, arguments, _ in runs}, "the thread never ends")


def doors(run):
    """A call through a door is a slice on both threads' tracks, with an arrow; one that fails says how."""
    path = run.directory / "trace.json"
    manifest = run.system("""
cpus = 2
[[process]]
name = "server"
file = "counter.wasm"
args = ["serve"]
kind = "service"
handles = [{ serve = "counter" }]
[[process]]
name = "client"
file = "counter.wasm"
handles = [{ door = "counter" }]
""", "counter")
    run("--trace", path, manifest)
    trace = Trace(path)
    expect(trace.lost == 0, f"{trace.lost} events were lost")
    expect({"init", "server", "client"} <= set(trace.processes.values()), f"processes: {trace.processes}")
    visits = [s for s in trace.slices if s[1] == "door"]
    there = [s for s in visits if s[2] == "in server/1"]
    here = [s for s in visits if s[2] == "call from client/1"]
    expect(len(there) == len(here) >= 6, f"{len(there)} slices of callers, {len(here)} of servers")
    expect({around for *_, around in there} == {"door_call"}, "a door's slice is outside of its call")
    expect({around for *_, around in here} == {"service_serve"}, "a server's slice is outside of its call")
    ends = {arguments["end"] for *_, arguments, _ in there}
    expect(ends == {"returned", "trapped", "ended from outside"}, f"ends: {ends}")
    flows = collections.Counter((event["ph"], event["id"]) for events in trace.tracks.values() for event in events if event["ph"] in "sf")
    expect(len(flows) == 2 * len(there) and set(flows.values()) == {1}, f"flows: {flows}")
    expect({trace.processes[track[0]] for track, *_ in here} == {"server"}, "the server's slices are on other tracks")


def many_calls(run):
    """More calls than any buffer holds: the program waits for the tool, and nothing is lost."""
    path = run.directory / "trace.json"
    count = 20_000
    done = run("--stats", "--trace", path, "--invoke", "run", run.program("many_calls"), str(count))
    trace = Trace(path)
    calls = trace.calls(1)
    counted = int(re.search(rb" calls=(\d+)", done.stderr)[1])
    expect(trace.lost == 0 and len(calls) == counted >= count, f"{len(calls)} calls, {counted} counted, {trace.lost} lost")


def cut_off(run):
    """A program that is ended by the time-out: the file is whole, with what it waits in."""
    path = run.directory / "trace.json"
    for seconds in (3, 10, 60):  # how long it takes until the program waits is the host's business
        run("--timeout", str(seconds), "--trace", path, "--invoke", "sleep", run.program("many_calls"), exit_code=124)
        if any(s[2] == "thread_sleep_until" and s[4] is None for s in Trace(path).calls(1)):
            return
    expect(False, "the call that waits is missing")


def nowhere(run):
    done = run("--trace", run.directory / "none/trace.json", run.program("hello"), exit_code=125)
    expect(b"--trace" in done.stderr and b"No such file" in done.stderr, done.stderr.decode())


TESTS = {
    "trace: one program": one_program,
    "trace: doors": doors,
    "trace: many calls": many_calls,
    "trace: cut off": cut_off,
    "trace: nowhere": nowhere,
}
