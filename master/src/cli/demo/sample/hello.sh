#!/bin/sh
# Says hello: hello [LANGUAGE [NAME]]
version="@VERSION@"
greetings() {
cat <<'END'
@GREETINGS@
END
}
case "${1:-}" in
  --version) echo "hello $version"; exit 0 ;;
  --list) greetings | cut -d' ' -f1; exit 0 ;;
esac
word=$(greetings | sed -n "s/^${1:-en} //p")
if [ -z "$word" ]; then
  echo "hello: no greeting for '$1'; --list shows the languages" >&2
  exit 2
fi
echo "$word, ${2:-world}!"
