#!/bin/sh
# Runs the built program and compares what it says.
set -eu
count=0
expect() {
  count=$((count + 1))
  said=$(sh build/hello "$2" "$3")
  if [ "$said" = "$1" ]; then
    echo "ok $count - $said"
  else
    echo "not ok $count - expected '$1', heard '$said'"
    exit 1
  fi
}
expect 'Hello, world!' en world
expect 'Bonjour, Zoé!' fr Zoé
expect 'Cześć, świecie!' pl świecie
expect 'こんにちは, 世界!' ja 世界
expect 'Hola, $HOME!' es '$HOME'
if sh build/hello xx 2>/dev/null; then
  echo 'not ok - an unknown language was greeted'
  exit 1
fi
for language in $(sh build/hello --list); do
  expect "$(sed -n "s/^$language //p" greetings.txt), you!" "$language" you
done
echo "1..$count"
