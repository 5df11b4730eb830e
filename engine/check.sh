#!/bin/sh
# check.sh PYTHON: prints in one line what is missing on this machine to build lucid, and nothing when all is there.
python=$1
version='import sys; print("new" if sys.version_info >= (3, 10) else "%d.%d.%d" % sys.version_info[:3])'
case $("$python" -c "$version" 2>/dev/null) in
new) ;;
[23].*)
    echo "lucid needs Python 3.10 or newer, and $python is older: install one, or name it with make PYTHON=python3.12"
    exit ;;
*)
    echo "lucid needs Python 3.10 or newer, and $python does not run: install one, or name it with make PYTHON=python3.12"
    exit ;;
esac
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    echo "lucid needs the venv module of $python, and it is not there: install it (Debian, Ubuntu: apt install python3-venv)"
    exit
fi
"$python" engine/compiler.py
