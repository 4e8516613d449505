#!/usr/bin/env bash
# Put DeePMD-kit into a virtual environment that has torch already: environment.sh FOLDER_OF_THE_ENVIRONMENT
#
# The wheels of deepmd-kit 3.2.0 hold an operator library for torch 2.11 and do not load with another torch. This builds
# the same version from its source distribution against the torch that is there (C++ compiler needed; a minute of CPU),
# without TensorFlow. pip keeps the wheel, so a second environment with the same torch takes seconds.
set -euo pipefail

environment=$(cd "$1" && pwd)
python="$environment/bin/python"
version=${DEEPMD_VERSION:-3.2.0}
pip() { "$python" -m pip "$@" --quiet --disable-pip-version-check; }

torch=$("$python" -W ignore -c 'import torch; print(torch.__version__.replace("+", "_"))') || {
    echo "environment.sh: $environment has no torch; install it first" >&2
    exit 1
}
if "$python" -W ignore -c "import importlib.metadata as m; assert m.version('deepmd-kit') == '$version'; import deepmd.pt.cxx_op" 2> /dev/null; then
    exit 0
fi

wheels=${LAMCORE_WHEELS:-$(pip cache dir)/lamcore-deepmd}/torch-$torch
log="$environment/deepmd-build.log"
if ! compgen -G "$wheels/deepmd_kit-$version-*.whl" > /dev/null; then
    tools=(scikit-build-core packaging dependency-groups cmake ninja setuptools setuptools-scm hatch-fancy-pypi-readme)
    pip install "${tools[@]}"
    mkdir -p "$wheels"
    # Without isolation, so that the operators are built for this torch. pip's own cache does not know which torch a wheel is for.
    PATH="$environment/bin:$PATH" DP_ENABLE_TENSORFLOW=0 DP_ENABLE_PYTORCH=1 \
        "$python" -m pip wheel --disable-pip-version-check --no-deps --no-build-isolation --no-cache-dir \
        --no-binary deepmd-kit --wheel-dir "$wheels" "deepmd-kit==$version" > "$log" 2>&1 || {
        tail -n 30 "$log" >&2
        echo "environment.sh: deepmd-kit $version could not be built; the whole log is in $log" >&2
        exit 1
    }
fi
pip install "$wheels"/deepmd_kit-"$version"-*.whl
