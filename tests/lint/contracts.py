"""Lints the contracts: every element commented, folder == package, zero values, requests and responses, access rules."""
import re
import sys

from google.protobuf import descriptor_pb2

OK_TYPES = {"google.protobuf.MethodOptions"}


def walk_comments(file, problems):
    """Path (as in SourceCodeInfo) -> leading comment; every declared element must have one."""
    comments = {tuple(l.path): l.leading_comments.strip() or l.trailing_comments.strip() for l in file.source_code_info.location}

    def need(path, what):
        if not comments.get(tuple(path)):
            problems.append(f"{file.name}: {what} has no comment")

    def message(m, path, name):
        need(path, name)
        for i, f in enumerate(m.field):
            need(path + [2, i], f"{name}.{f.name}")
        for i, o in enumerate(m.oneof_decl):
            if not o.name.startswith("_"):
                need(path + [8, i], f"{name}.{o.name}")
        for i, n in enumerate(m.nested_type):
            if not n.options.map_entry:
                message(n, path + [3, i], f"{name}.{n.name}")
        for i, e in enumerate(m.enum_type):
            enum(e, path + [4, i], f"{name}.{e.name}")

    def enum(e, path, name):
        need(path, name)
        for i, v in enumerate(e.value):
            need(path + [2, i], f"{name}.{v.name}")
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", e.name).upper()
        if e.value[0].number != 0 or e.value[0].name != prefix + "_UNSPECIFIED":
            problems.append(f"{file.name}: {name}'s zero value must be {prefix}_UNSPECIFIED")
        for v in e.value:
            if not v.name.startswith(prefix + "_"):
                problems.append(f"{file.name}: {name}.{v.name} must begin with {prefix}_")

    for i, m in enumerate(file.message_type):
        message(m, [4, i], m.name)
    for i, e in enumerate(file.enum_type):
        enum(e, [5, i], e.name)
    for i, s in enumerate(file.service):
        need([6, i], s.name)
        if not s.name.endswith("Service"):
            problems.append(f"{file.name}: service {s.name} must end in Service")
        for j, m in enumerate(s.method):
            need([6, i, 2, j], f"{s.name}.{m.name}")
            if b"\xa2\xbb\x18" not in m.options.SerializeToString():  # field 50100, length-delimited: (yizhan.common.v1.access)
                problems.append(f"{file.name}: {s.name}.{m.name} has no access rule")
            if m.client_streaming:
                continue
            for kind, type_name in (("Request", m.input_type), ("Response", m.output_type)):
                if not type_name.split(".")[-1].endswith(m.name + kind) and not type_name.split(".")[-1].endswith(kind):
                    problems.append(f"{file.name}: {s.name}.{m.name}: {type_name} should be named ...{m.name}{kind}")


def main():
    files = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], "rb").read())
    problems, used = [], {}
    for file in files.file:
        if not file.name.startswith("yizhan/"):
            continue
        if file.package.replace(".", "/") != file.name.rsplit("/", 1)[0] or not file.package.endswith(".v1"):
            problems.append(f"{file.name}: package {file.package} is not its folder")
        walk_comments(file, problems)
        for s in file.service:
            for m in s.method:
                for t in (m.input_type, m.output_type):
                    if t in used and not m.client_streaming:
                        problems.append(f"{file.name}: {t} is shared by {used[t]} and {s.name}.{m.name}")
                    used[t] = f"{s.name}.{m.name}"
    print("\n".join(problems) or f"contracts: {len(files.file)} files are in order")
    return 1 if problems else 0


sys.exit(main())
