# Makes the cloud broker's log readable: without what only helps to debug Mosquitto, each refusal in one line, at most
# five lines a second for each client. Writes the names of the connected edges to the file `connected`; the file `stuck`
# when the broker has no memory left for the uploader, so that nothing drains (Mosquitto 2.0 does that at its limit); and
# the file `unreadable` when it cannot read its queue.

function emit(text) {
    print time ": " text
    fflush()
}

function refuse(client, text) {
    if (time != second) emit_refused()
    if (++refused[client] <= 5) emit(text)
}

function emit_refused(    client) {
    for (client in refused) if (refused[client] > 5) print second ": Refused " refused[client] - 5 " more of " client
    split("", refused)
    second = time
}

function write_connected(    name) {
    printf "" > connected
    for (name in address) print name > connected
    close(connected)
}

# Mosquitto 2.1 names the address; then a connection that was taken over does not end the one that took it.
function disconnect(name) {
    if (!(name in address) || (match($0, /\[[^]]*\]/) && substr($0, RSTART + 1, RLENGTH - 2) != address[name])) return
    delete address[name]
    write_connected()
}

function end_subscribe(    topic) {
    for (topic in pending) refuse(subscriber, "Denied SUBSCRIBE from " subscriber " ('" topic "')")
    split("", pending)
}

BEGIN { write_connected() }

{
    at = index($0, ": ")
    time = substr($0, 1, at - 1)
    text = substr($0, at + 2)
}

text ~ /^Received SUBSCRIBE from / { subscriber = substr(text, 25); split("", pending); next }
text ~ /^\t.* \((QoS [012]|denied)\)$/ { sub(/^\t/, "", text); sub(/ \([^(]*\)$/, "", text); pending[text] = 1; next }
text ~ /^Sending SUBACK to / { end_subscribe(); next }
subscriber != "" && index(text, subscriber " ") == 1 { sub(/^[^ ]+ [012] /, "", text); delete pending[text]; next }
text ~ /^Denied / { split(text, word, " "); refuse(word[4], text); next }
text ~ /^Client connection from .* failed: / { refuse("unknown clients", "Refused a connection: " text); next }
text ~ /^OpenSSL Error/ { sub(/^OpenSSL Error[^:]*: /, "", text); reason = text; next }
reason != "" && text ~ /^(Client|Socket error)/ { refuse("unknown clients", "Refused a connection (" reason "): " text); reason = ""; next }
text ~ /^(Received|Sending|No will message|Will message|\t|New connection)/ || text ~ / negotiated / { next }
text ~ /^New client connected from / {
    split(text, word, " ")
    if (index(text, "u'" word[7] "'")) { address[word[7]] = word[5]; write_connected() }
}
text ~ /Couldn't open database/ { print time > unreadable; close(unreadable) }
text ~ /^Client uploader.* disconnected.*out of memory/ && ++starved == 4 { print time > stuck; close(stuck) }
text ~ /^Client / { split(text, word, " "); disconnect(word[2]) }
text ~ /^Socket error on client / { split(text, word, "[ ,]"); disconnect(word[5]) }
{ emit(text) }
