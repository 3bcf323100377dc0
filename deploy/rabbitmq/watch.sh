#!/bin/sh
# Runs beside one node of RabbitMQ, as the user who runs that node: applies what cloud/enroll has written to the whole
# cluster, without a restart. What mosquitto/cloud/watch.sh is for Mosquitto.
set -eu
CLOUD_IDENTITY=${CLOUD_IDENTITY:-/identity}
CLOUD_BROKER_DATA=${CLOUD_BROKER_DATA:-/broker-data}
LIST_SECONDS=${LIST_SECONDS:-30} # how old the list of who is connected may be

read_line() {
    line=
    [ ! -r "$CLOUD_IDENTITY/$1" ] || read -r line <"$CLOUD_IDENTITY/$1" || true
}

write() {
    cat >"$CLOUD_BROKER_DATA/$1.part" && mv -f "$CLOUD_BROKER_DATA/$1.part" "$CLOUD_BROKER_DATA/$1"
}

# In one call, since each starts an Erlang of its own, which takes seconds. The functions are those of `rabbitmqctl
# delete_user`, `close_all_user_connections`, `delete_queue` and `import_definitions`. A revoked edge loses its user first,
# so that it does not come back; whoever is renewed is only disconnected.
apply() {
    rabbitmqctl --quiet eval "
        Read = fun(Name) -> {ok, Text} = file:read_file(filename:join(\"$CLOUD_IDENTITY\", Name)), Text end,
        Lines = fun(Name) -> binary:split(Read(Name), <<\"\\n\">>, [global, trim_all]) end,
        Revoked = Lines(\"revoked\"),
        ssl:clear_pem_cache(),
        [rabbit_auth_backend_internal:delete_user(Name, <<\"enroll\">>)
            || Name <- Revoked, rabbit_auth_backend_internal:exists(Name)],
        ok = rabbit_definitions:import_raw(Read(\"rabbitmq.json\")),
        [rabbit_networking:close_all_user_connections(Name, <<\"revoked or renewed\">>) || Name <- Lines(\"rabbitmq-ended\")],
        Subscription = fun(Name, Qos) -> <<\"mqtt-subscription-\", Name/binary, Qos/binary>> end,
        [case rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, Left)) of
            {ok, Queue} -> rabbit_amqqueue:delete(Queue, false, false, <<\"enroll\">>);
            _ -> ok
        end || Name <- Revoked,
            Left <- [Subscription(Name, <<\"qos0\">>), Subscription(Name, <<\"qos1\">>), <<\"mqtt-will-\", Name/binary>>]],
        applied." | grep -qx applied
}

list_connected() {
    connected=$(rabbitmqctl --quiet eval '
        Names = [proplists:get_value(user, User) || User <- rabbit_auth_backend_internal:list_users()],
        Connected = [Name || Name <- Names, rabbit_connection_tracking:list_of_user(Name) =/= []],
        iolist_to_binary(lists:join(",", Connected)).') || return 1
    echo "$connected" | tr -d '<>"' | tr ',' '\n' | write connected
}

answer() {
    answered=
    while :; do
        read_line asked
        if [ "$line" != "$answered" ]; then
            answered=$line
            echo "$answered" | write answered
        fi
        sleep 0.5
    done
}

answer &
trap 'kill $!' EXIT
trap exit TERM INT
version="" listed=0
while :; do
    read_line version
    if [ -n "$line" ] && [ "$line" != "$version" ]; then
        wanted=$line
        if apply; then
            version=$wanted
            echo "$version" | write applied
        else
            echo "watch.sh: RabbitMQ did not apply what enroll wrote; trying again" >&2
        fi
    elif [ "$(date +%s)" -ge $((listed + LIST_SECONDS)) ]; then
        listed=$(date +%s)
        list_connected || echo "watch.sh: RabbitMQ did not say who is connected; trying again" >&2
    fi
    sleep 0.5
done
