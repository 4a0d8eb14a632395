#!/bin/sh
# Makes what docker-compose.secure.yml needs, in the folder secrets beside it, with openssl:
#
#   sh Docker/make-secrets.sh          an authority, certificates, tokens; what is there already stays
#   sh Docker/make-secrets.sh renew    new certificates of the same authority; tokens stay
#
# FLUXCACHE_ANNOUNCE_HOST names this machine as clients of other machines reach it, for the certificates. Keep ca.key where
# nobody else gets at it: whoever has it can pass for a node.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

days=365
fresh_key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

authority() {
  [ -e ca.key ] && return
  openssl req -x509 $fresh_key -days 3650 -subj /CN=fluxcache-authority -keyout ca.key -out ca.pem 2>/dev/null
}

# Prints the secret of that name, made when there is none.
token() { # NAME
  [ -e "$1.token" ] || openssl rand -hex 32 >"$1.token"
  cat "$1.token"
}

digest() { # NAME
  token "$1" | tr -d '\n' | openssl dgst -sha256 -r | cut -d ' ' -f 1
}

# Puts standard input into a file that others may be reading: all of it at once.
put() { # FILE
  cat >"$1.new"
  # Containers read it as users of their own; this folder lets in nobody else.
  chmod 644 "$1.new"
  mv "$1.new" "$1"
}

certificate() { # NAME NODE
  names="DNS:$2,DNS:localhost,IP:127.0.0.1"
  case ${FLUXCACHE_ANNOUNCE_HOST:-} in
    '') ;;
    *[!0-9.]*) names="$names,DNS:$FLUXCACHE_ANNOUNCE_HOST" ;;
    *) names="$names,IP:$FLUXCACHE_ANNOUNCE_HOST" ;;
  esac
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >"$1/extensions"
  openssl req $fresh_key -subj "/CN=$2" -keyout "$1/made.key" -out "$1/request.csr" 2>/dev/null
  openssl x509 -req -in "$1/request.csr" -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" \
    -days "$days" -extfile "$1/extensions" -out "$1/made.pem" 2>/dev/null
  put "$1/node.key" <"$1/made.key"
  put "$1/node.pem" <"$1/made.pem"
  rm "$1/extensions" "$1/request.csr" "$1/made.key" "$1/made.pem"
}

users() {
  cat <<USERS
users:
  # Reads and writes its own keys.
  shop:
    tokens: ["sha256:$(digest shop)"]
    rights: [read, write]
  # May do everything.
  operator:
    tokens: ["sha256:$(digest operator)"]
    rights: [read, write, admin]
  # May ask for metrics, as every user may, and nothing else.
  prometheus:
    tokens: ["sha256:$(digest prometheus)"]
    rights: []
  # The same, for the health checks of the containers.
  healthcheck:
    tokens: ["sha256:$(digest healthcheck)"]
    rights: []
USERS
}

renew=${1:-}
case $renew in
  '' | renew) ;;
  *) sed -n '2,8p' ../make-secrets.sh | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac

authority
for node in node1 node2 node3; do
  mkdir -p "$node"
  chmod 755 "$node"
  if [ "$renew" = renew ] || [ ! -e "$node/node.pem" ]; then certificate "$node" "$node"; fi
  printf 'clusterSecret: %s\n' "$(token cluster)" | put "$node/cluster.yaml"
  users | put "$node/users.yaml"
  token healthcheck | put "$node/healthcheck.token"
  put "$node/ca.pem" <ca.pem
done
mkdir -p prometheus
chmod 755 prometheus
token prometheus | put prometheus/token
put prometheus/ca.pem <ca.pem
echo "Docker/secrets is ready: ca.pem for clients, shop.token and operator.token for users."
