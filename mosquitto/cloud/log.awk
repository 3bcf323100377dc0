# Makes the cloud broker's log readable: without what only helps to debug Mosquitto, each refusal in one line, at most
# five lines a second for each client. Writes the names of the connected edges to the file `connected`; the file `stuck`
# when the broker has no memory left for the uploader, so that nothing drains (Mosquitto 2.0 does that at its limit); and
# the file `unreadable` when it cannot read its queue; and for health.sh the name of its client, to the file `read-for`.
# Holds off an edge that floods, by hold.sh, where that is given.

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
    if (!(name in address)) return
    if (address[name] != "" && match($0, /\[[^]]*\]/) && substr($0, RSTART + 1, RLENGTH - 2) != address[name]) return
    delete address[name]
    write_connected()
}

# Counts the packets of each edge. An honest bridge sends what the uploader has receipted meanwhile, and 64 images more.
function count_packet(name) {
    if (time != counted) { split("", packets); counted = time }
    if (++packets[name] == 3000) hold_off(name, "it sends more than 3000 packets a second")
}

# In the background: the broker waits for whoever reads its log. Each time for twice as long, up to eight minutes.
function hold_off(name, why,    now, passed) {
    now = substr(time, 12, 2) * 3600 + substr(time, 15, 2) * 60 + substr(time, 18, 2)
    passed = now < held_at[name] ? now + 86400 - held_at[name] : now - held_at[name]
    if (name !~ /^[a-z0-9-]+$/ || (name in held && passed < held[name] + 2)) return
    if (name in held) held[name] *= 2
    else held[name] = hold_seconds + 0
    if (held[name] > 480) held[name] = 480
    held_at[name] = now
    if (hold == "") {
        emit("The edge " name " floods, revoke it: " why)
        return
    }
    emit("Holding " name " off for " held[name] " s: " why)
    system("sh '" hold "' " name " " held[name] " </dev/null >/dev/null 2>&1 &")
}

function end_subscribe(    topic) {
    for (topic in pending) refuse(subscriber, "Denied SUBSCRIBE from " subscriber " ('" topic "')")
    split("", pending)
}

# Who was connected when this program was started again; start.sh empties the file.
BEGIN {
    while ((getline name < connected) > 0) address[name] = ""
    close(connected)
}

{
    at = index($0, ": ")
    time = substr($0, 1, at - 1)
    text = substr($0, at + 2)
}

text ~ /^(Received|Denied) / {
    split(text, word, " ")
    if (word[4] in address) count_packet(word[4])
    else if (word[1] == "Received" && word[2] == "PUBLISH" && match(text, /'usbcam\/_\/offenders\/[^']*'/))
        hold_off(substr(text, RSTART + 20, RLENGTH - 21), "it sends more properties than anybody reads")
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
    if (word[7] ~ /^health-[0-9]+-[0-9]+$/ && index(text, " u'") == 0) { print word[7] > read_for; close(read_for); next }
    if (index(text, "u'" word[7] "'")) { address[word[7]] = word[5]; write_connected() }
}
text ~ /Couldn't open database/ { print time > unreadable; close(unreadable) }
text ~ /^Client uploader.* disconnected.*out of memory/ && ++starved == 4 { print time > stuck; close(stuck) }
text ~ /^Client health-[0-9]+-[0-9]+ / { next }
text ~ /^Client / { split(text, word, " "); disconnect(word[2]) }
text ~ /^Socket error on client / { split(text, word, "[ ,]"); disconnect(word[5]) }
{ emit(text) }
