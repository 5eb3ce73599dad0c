#!/bin/sh
# Puts the program and its greetings into one file.
set -eu
version=$(cat VERSION)
mkdir -p build
echo "putting build/hello $version together"
while IFS= read -r line; do
  case "$line" in
    @GREETINGS@) cat greetings.txt ;;
    *@VERSION@*) printf '%s\n' "$line" | sed "s/@VERSION@/$version/" ;;
    *) printf '%s\n' "$line" ;;
  esac
done < hello.sh > build/hello
chmod 755 build/hello
echo "$(wc -l < greetings.txt) languages, $(wc -c < build/hello) bytes"
