# Makes the cloud broker's log readable: without what only helps to debug Mosquitto, each refusal in one line, at most
# five lines a second for each client, and as many for its coming and going. Writes the names of the connected edges to the file `connected`; the file `stuck`
# when the broker has no memory left for the uploader, so that nothing drains (Mosquitto 2.0 does that at its limit); and
# the file `unreadable` when it cannot read its queue; and for health.sh the name of its client, to the file `read-for`.
# Holds off an edge that floods, by hold.sh, where that is given.

function emit(text) {
    print time ": " text
    fflush()
}

function refuse(client, text) {
    emit_few("Refused # more of " client, text)
}

# `rest` tells how many were left out, in place of its #.
function emit_few(rest, text) {
    if (++emitted[rest] <= 5) emit(text)
}

function emit_rest(    rest, line) {
    for (rest in emitted) {
        if (emitted[rest] <= 5) continue
        line = rest
        sub(/#/, emitted[rest] - 5, line)
        print second ": " line
    }
    split("", emitted)
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

# Three buckets for each edge, which leak. An honest bridge never fills them: its camera sends 64 images or 32 MB, and more
# only as receipts come. After weeks offline it may send ten thousand reports of visits or 128 MB at once.
function count_packet(name) {
    if (time != counted) { counted = time; clock = seconds_of_day() }
    if (fill(packets, name, 1, 1000) > 20000) hold_off(name, "it sends more than 1000 packets a second")
}

function count_image(name, size) {
    if (fill(images, name, 1, 500) > 3000) hold_off(name, "it sends more images than are stored")
    if (fill(bytes, name, size, 64000000) > 256000000) hold_off(name, "it sends more than 64 MB a second")
}

# What was stored makes room for as many images: 100 bytes of a receipt are one.
# A bridge waits longer each time, and for half a minute in the end.
function count_connection(name) {
    clock = seconds_of_day()
    if (fill(connections, name, 1, 1) > 120) hold_off(name, "it connects more than once a second")
}

function credit_images(name, receipt_bytes,    share) {
    if (!(name in images) || images[name] <= 0) return
    share = receipt_bytes / 100 / images[name]
    if (share > 1) share = 1
    images[name] -= share * images[name]
    bytes[name] -= share * bytes[name]
}

function fill(bucket, name, amount, leak) {
    bucket[name] -= leak * seconds_since(filled_at[leak, name])
    filled_at[leak, name] = clock
    return bucket[name] = (bucket[name] > 0 ? bucket[name] : 0) + amount
}

function seconds_of_day() {
    return substr(time, 12, 2) * 3600 + substr(time, 15, 2) * 60 + substr(time, 18, 2)
}

function seconds_since(then) {
    return clock < then ? clock + 86400 - then : clock - then
}

# In the background: the broker waits for whoever reads its log. Each time for twice as long, up to eight minutes.
function hold_off(name, why,    passed) {
    clock = seconds_of_day()
    passed = seconds_since(held_at[name])
    if (name !~ /^[a-z0-9-]+$/ || (name in held && passed < held[name] + 2)) return
    if (name in held) held[name] *= 2
    else held[name] = hold_seconds + 0
    if (held[name] > 480) held[name] = 480
    held_at[name] = clock
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

# The word behind " from " or " to ", which may be the last one.
function client_behind(word,    rest, end) {
    rest = substr(text, index(text, word) + length(word))
    end = index(rest, " ")
    return end ? substr(rest, 1, end - 1) : rest
}

# Of a message: its line ends with "... (80000 bytes))".
function size() {
    return substr(text, match(text, /\([0-9]+ bytes\)\)$/) + 1) + 0
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
    if (time != second) emit_rest() # at the next line of any kind: a health check is one, where a flood has ended
}

# Nearly all lines are of these two kinds, and whoever writes them waits for us: so they come first, and are not split.
index(text, "Sending ") == 1 {
    if (index(text, "/receipts'")) credit_images(client_behind(" to "), size())
    else if (index(text, "SUBACK") == 9) end_subscribe()
    next
}
index(text, "Received ") == 1 {
    name = client_behind(" from ")
    if (name in address) {
        count_packet(name)
        if (index(text, "/images'")) count_image(name, size())
    } else if (match(text, /'usbcam\/_\/offenders\/[a-z0-9-]*'/)) # the uploader alone may write there
        hold_off(substr(text, RSTART + 20, RLENGTH - 21), "it sends more than anybody reads or stores")
    if (index(text, "SUBSCRIBE from ") == 10) { subscriber = name; split("", pending) }
    next
}
text ~ /^Denied / { split(text, word, " "); if (word[4] in address) count_packet(word[4]) }
text ~ /^\t.* \((QoS [012]|denied)\)$/ { sub(/^\t/, "", text); sub(/ \([^(]*\)$/, "", text); pending[text] = 1; next }
subscriber != "" && index(text, subscriber " ") == 1 { sub(/^[^ ]+ [012] /, "", text); delete pending[text]; next }
text ~ /^Denied / { split(text, word, " "); refuse(word[4], text); next }
text ~ /^Client connection from .* failed: / { refuse("unknown clients", "Refused a connection: " text); next }
text ~ /^OpenSSL Error/ { sub(/^OpenSSL Error[^:]*: /, "", text); reason = text; next }
text ~ /^Client / { split(text, word, " "); name = word[2] }
text ~ /^Socket error on client / { split(text, word, "[ ,]"); name = word[5] }
reason != "" && text ~ /^(Client|Socket error)/ {
    if (!(name in address)) { refuse("unknown clients", "Refused a connection (" reason "): " text); reason = ""; next }
    text = text " (" reason ")"
    reason = ""
}
text ~ /^(No will message|Will message|\t|New connection)/ || text ~ / negotiated / { next }
text ~ /^New client connected from / {
    split(text, word, " ")
    if (word[7] ~ /^health-[0-9]+-[0-9]+$/ && index(text, " u'") == 0) { print word[7] > read_for; close(read_for); next }
    if (index(text, "u'" word[7] "'")) {
        if (!(word[7] in address)) { address[word[7]] = word[5]; write_connected() }
        address[word[7]] = word[5]
        count_connection(word[7])
        emit_few("# more connections of " word[7], text)
        next
    }
}
text ~ /Couldn't open database/ { print time > unreadable; close(unreadable) }
text ~ /^Client uploader.* disconnected.*out of memory/ && ++starved == 4 { print time > stuck; close(stuck) }
text ~ /^Client health-[0-9]+-[0-9]+ / { next }
text ~ /^(Client|Socket error on client) / { disconnect(name); emit_few("# more ends of connections of " name, text); next }
{ emit(text) }
