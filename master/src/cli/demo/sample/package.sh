#!/bin/sh
# Packs the program for its users.
set -eu
version=$(cat VERSION)
name="hello-$version"
rm -rf dist
mkdir -p "dist/$name"
cp build/hello README.md "dist/$name/"
echo "${WINDLASS_REVISION:-unknown}" > "dist/$name/REVISION"
tar -C dist -czf "dist/$name.tar.gz" "$name"
rm -rf "dist/$name"
echo "dist/$name.tar.gz: $(wc -c < "dist/$name.tar.gz") bytes"
