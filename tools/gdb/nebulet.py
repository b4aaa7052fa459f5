# SPDX-License-Identifier: MIT
"""gdb's commands for Nebulet's objects (docs/reference/insight.md): `source tools/gdb/nebulet.py`, with the kernel's symbols loaded.

They read memory only, so they work on a kernel that is stopped anywhere. Types are those of kernel/process/registry.cpp, which is built
with whole debug information for this."""

import gdb

STACK_SLOT = 1 << 23  # wasm/runtime/stack.cpp asserts it
FOREIGN = {"nb_foreign_return": None, "nb_foreign_small_return": 128, "nb_foreign_large_return": 16384}  # wasm/runtime/stub_offsets.h
REGISTRY = "_ZZN7nebulet6kernel12_GLOBAL__N_18registryEvE4made"
STATES = ["created", "ready", "running", "waits", "ended"]


def u64(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def kernel_type(name):
    return gdb.lookup_type("nebulet::" + name)


def text(value):
    """std::string or std::string_view of libc++. A string's bytes may be behind or before what tells how many they are: the bare kernel has
    libc++'s second ABI, the hosted one the first."""
    kind = value.type.strip_typedefs().unqualified()
    memory = gdb.selected_inferior()
    raw = memory.read_memory(int(value.address), kind.sizeof).tobytes()
    if kind.sizeof == 16:  # string_view: data, size
        data_at, size_at = 0, 8
    else:
        try:
            data_at, size_at = (offset_in(gdb.lookup_type(f"{kind}::__long"), field) for field in ("__data_", "__size_"))
        except gdb.error:  # described in the host's libc++, which may come without debug information
            data_at, size_at = 16, 8
        if data_at == 0 and not raw[-1] & 0x80:
            return raw[:raw[-1]].decode(errors="replace")
        if data_at != 0 and not raw[0] & 1:
            return raw[1:1 + (raw[0] >> 1)].decode(errors="replace")
    data, size = (int.from_bytes(raw[at:at + 8], "little") for at in (data_at, size_at))
    return memory.read_memory(data, size).tobytes().decode(errors="replace") if size else ""


def offset_in(kind, field):
    return next(f for f in kind.fields() if f.name == field).bitpos // 8


def elements(vector):
    """Of a std::vector."""
    begin, end = vector["__begin_"], vector["__end_"]
    return [begin[i] for i in range(int(end - begin))]


def pointee(smart):
    """Of a std::unique_ptr, or a boost::intrusive_ptr: both are one pointer."""
    target = smart.type.strip_typedefs().template_argument(0)
    return gdb.Value(u64(int(smart.address))).cast(target.pointer())


def atomic(value):
    kind = value.type.strip_typedefs().template_argument(0)
    return int(value.address.cast(kind.pointer()).dereference())


def processes():
    """In the order of their numbers: the tree of the registry, whose nodes are in the processes."""
    symbol = gdb.lookup_global_symbol(REGISTRY) or gdb.lookup_static_symbol(REGISTRY)
    address = int(gdb.parse_and_eval(f"(unsigned long)&'{REGISTRY}'")) if symbol is None else int(symbol.value().address)
    registry = u64(address)
    if registry == 0:
        return []
    process = kernel_type("kernel::Process")
    hook = offset_in(process, "registry_hook")
    whole = gdb.lookup_type("nebulet::kernel::(anonymous namespace)::Registry")
    tree = registry + offset_in(whole, "processes")
    # Boost's set is the number of nodes, then the header, a node: parent, left, right, colour. The header's parent is the root.
    if u64(tree) == 0:
        return []
    found, pending, node = [], [], u64(tree + 8)
    while pending or node:
        while node:
            pending.append(node)
            node = u64(node + 8)
        node = pending.pop()
        found.append(gdb.Value(node - hook).cast(process.pointer()))
        node = u64(node + 16)
    return found


def find_process(word):
    for process in processes():
        if int(process["id_"]) == int(word):
            return process
    raise gdb.GdbError(f"no process {word} runs; nb-processes lists them")


def modules(process):
    """(name, code) of its instances; nothing while it is being made or has ended."""
    program = pointee(process["program_"])
    if int(program) == 0:
        return []
    return [(text(pointee(member["module"])["name_"]), pointee(pointee(member["module"])["code_"])) for member in elements(program["members_"])]


def function_at(codes, pc):
    """(module's name, code, function's index among the defined ones) of an address in generated code."""
    for name, code in codes:
        offset = pc - int(code["text_"])
        if not 0 <= offset < int(code["text_size_"]):
            continue
        for index, function in enumerate(elements(code["code_"]["functions"])):
            if int(function["begin"]) <= offset < int(function["end"]):
                return name, code, index, function
    return None


def frames(codes, pc, sp, popped, low):
    """As wasm/runtime/frames.cpp walks: return addresses, by the sizes of frames. `popped`: what the callee pops of its arguments."""
    stubs = {int(gdb.parse_and_eval(f"(unsigned long)&{stub}")): room for stub, room in FOREIGN.items()}
    top = low + STACK_SLOT - 64
    while low <= sp <= top:
        if pc in stubs:
            at = sp + popped + (stubs[pc] or 0)
            target = u64(at) if stubs[pc] else 0
            at += 8 if stubs[pc] else 0
            popped = 0
            if target:
                function = gdb.Value(target).cast(kernel_type("wasm::FuncTarget").pointer())
                popped = int(function["stack_args"])
            pc, sp = u64(at + 8), at + 16
            continue
        found = function_at(codes, pc - 1)
        if found is None:
            return
        name, code, index, function = found
        number = index + int(code["module_"]["imported_functions"])
        names = elements(code["module_"]["function_names"])
        yield name, number, text(names[number]) if number < len(names) else "", pc
        taken = 0  # `sub rsp, n` behind the call
        bytes_ = gdb.selected_inferior().read_memory(pc, 7).tobytes()
        if bytes_[:3] == b"\x48\x83\xec":
            taken = bytes_[3]
        elif bytes_[:3] == b"\x48\x81\xec":
            taken = int.from_bytes(bytes_[3:7], "little")
        at = sp + popped - taken + int(function["frame"])
        pc, sp, popped = u64(at), at + 8, int(function["stack_args"])


class Command(gdb.Command):
    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_DATA)

    def invoke(self, words, from_tty):
        try:
            self.run(gdb.string_to_argv(words))
        except (gdb.error, ValueError, TypeError) as error:
            raise gdb.GdbError(f"{self.NAME}: {error}; are the kernel's symbols loaded?")


class Processes(Command):
    """nb-processes: the processes that run."""
    NAME = "nb-processes"

    def run(self, words):
        print(f"{'number':>6}  {'threads':>7}  {'handles':>7}  {'memory':>12}  name")
        for process in processes():
            quota = pointee(process["memory_"]["quota_"])
            used = atomic(quota["used_"]) & ~(1 << 63)
            print(f"{int(process['id_']):>6}  {atomic(process['thread_count_']):>7}  {int(process['handles_']['count_']):>7}  {used:>12}  {text(process['name_'])}")


class Threads(Command):
    """nb-threads [PROCESS]: the threads of a process or of all."""
    NAME = "nb-threads"

    def run(self, words):
        for process in [find_process(words[0])] if words else processes():
            for number, thread in enumerate(elements(process["threads_"]), 1):
                task = thread.dereference().cast(kernel_type("kernel::Task"))
                state = STATES[int(task["state_"].cast(gdb.lookup_type("unsigned char")))]
                inside = thread["place_"]["process"]
                where = "" if int(inside) == int(process) or int(inside) == 0 else f", in a door call of {text(inside['name_'])}"
                print(f"{int(process['id_'])}.{number}  {text(process['name_'])}: {state}{where}, kernel stack {int(task['stack_']):#x}, (nebulet::kernel::Thread*){int(thread):#x}")


class Handles(Command):
    """nb-handles PROCESS: its handles: value, object and rights."""
    NAME = "nb-handles"

    def run(self, words):
        if len(words) != 1:
            raise gdb.GdbError("nb-handles PROCESS, a number from nb-processes")
        for index, slot in enumerate(elements(find_process(words[0])["handles_"]["slots_"])):
            handle = slot["handle"]
            instance = pointee(handle["object_"])
            if int(instance) == 0:
                continue
            value = int(slot["generation"]) << 13 | (index + 1)
            kind = str(instance["type_"]).rsplit("::", 1)[-1]
            print(f"{value & 0xffffffff:#x}  {kind}  rights {int(handle['rights_']['bits_']):#x}  signals {atomic(instance['signals_']):#x}  {int(instance):#x}")


class Backtrace(Command):
    """nb-backtrace PROCESS[.THREAD]: the wasm frames of a thread that is in a kernel call, innermost first."""
    NAME = "nb-backtrace"

    def run(self, words):
        if len(words) != 1:
            raise gdb.GdbError("nb-backtrace PROCESS[.THREAD], a number from nb-threads")
        number, _, index = words[0].partition(".")
        process = find_process(number)
        threads = elements(process["threads_"])
        if not 1 <= int(index or 1) <= len(threads):
            raise gdb.GdbError(f"process {number} has {len(threads)} threads")
        thread = threads[int(index or 1) - 1]
        stack = thread["place_"]["stack"]
        if int(stack) == 0:
            raise gdb.GdbError("the thread has ended")
        low = int(stack["base_"])
        control = gdb.Value(low + STACK_SLOT - 64).cast(kernel_type("wasm::StackControl").pointer())
        sp = int(control["wasm_sp"])
        if sp == 0:
            raise gdb.GdbError("the thread has made no kernel call yet")
        home = thread["place_"]["process"]
        for depth, (module, function, name, pc) in enumerate(frames(modules(home), u64(sp), sp + 8, int(control["stack_args"]), low)):
            print(f"#{depth}  {pc:#x} in {name or f'function {function}'} (function {function} of {module})")


for command in (Processes, Threads, Handles, Backtrace):
    command()
