# list-tree.py FOLDER: a line of JSON for each entry below a folder, in order of names. Names and links are bytes, a character
# each (Latin-1). Entries on another file system than the folder's are named with nothing but "mounted".
import hashlib, json, os, stat, sys

top = os.fsencode(sys.argv[1])
device = os.lstat(top + b"/.").st_dev
text = lambda data: data.decode("latin-1")
first = {}


def describe(path, name, info):
    kind = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char",
            stat.S_IFBLK: "block", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}[stat.S_IFMT(info.st_mode)]
    entry = {"name": text(name), "type": kind, "mode": oct(stat.S_IMODE(info.st_mode)), "uid": info.st_uid,
             "gid": info.st_gid, "mtime": str(info.st_mtime_ns)}
    if kind == "file":
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while data := file.read(1 << 20):
                digest.update(data)
        entry |= {"size": info.st_size, "sha256": digest.hexdigest()}
        if os.environ.get("BLOCKS"):
            entry["blocks"] = info.st_blocks
    if kind == "symlink":
        entry["target"] = text(os.readlink(path))
    if kind in ("char", "block"):
        entry["device"] = f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
    if kind != "folder" and info.st_nlink > 1:
        entry["links"] = info.st_nlink
        entry["same"] = first.setdefault(info.st_ino, text(name))
    xattrs = {name: os.getxattr(path, name, follow_symlinks=False).hex()
              for name in sorted(os.listxattr(path, follow_symlinks=False))}
    if xattrs:
        entry["xattrs"] = xattrs
    return entry


def walk(folder, prefix):
    for entry in sorted(os.listdir(folder)):
        path, name = folder + b"/" + entry, prefix + entry
        info = os.lstat(path)
        if info.st_dev != device:
            print(json.dumps({"name": text(name), "type": "mounted"}))
            continue
        print(json.dumps(describe(path, name, info)))
        if stat.S_ISDIR(info.st_mode):
            walk(path, name + b"/")


print(json.dumps(describe(top + b"/.", b".", os.lstat(top + b"/."))))
walk(top, b"")
