#!/bin/sh
# Installs Microsoft's own clients into <folder>/azure-sdk, for the tests that let them judge the lab of Azure. They are
# about 100 MB, so they aren't among the project's own packages. It does nothing when they are there.
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)/azure-sdk
[ ! -e "$folder/done" ] || exit 0
mkdir -p "$folder"
echo '{"private":true}' > "$folder/package.json"
npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --save-exact \
  @azure/arm-compute@24.1.0 @azure/identity@4.13.1 @azure/storage-blob@12.32.0
touch "$folder/done"
