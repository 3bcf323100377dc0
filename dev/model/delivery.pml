/* The delivery protocol, small enough to visit every state: camera, spool, send window, two brokers, bridge, uploaders,
   store. docs/explanation/delivery-guarantee.md reads it for people; `make model` checks it, and breaks each rule in turn.
   A broker's queue is a bag, so reordering needs no step of its own. Faults are finitely many: BUDGET of them, anywhere. */

#define C 2                        /* captures; their numbers stand for their bytes */
#define KEYS 4                     /* object keys: one of each capture, and its alternative with the suffix */

/* Rules that can be removed, one at a time. rules.py gives them names and says what must happen then. */
#define WITHOUT(rule) (removed == rule)
#define CONDITION 1
#define OWNER_OF_A_TAKEN_KEY 2
#define DIGEST_IN_THE_ID 3
#define STORE_BEFORE_ACKNOWLEDGING 4
#define ACKNOWLEDGE_WHERE_DELIVERED 5
#define KEEP_UNTIL_RECEIPT 6
#define RECEIPT_AFTER_STORING 7
#define TIMEOUT 8
#define RESEND_UNACKNOWLEDGED 9
#define REQUEUE_ON_RECONNECT 10
#define RECEIPT_FOR_A_DUPLICATE 11
#define SYNC 12
#define NO_RECEIPT_WHILE_REVOKED 13
#define COUNT_DROPS 14
#define REJECT 15
#define RECEIPT_FOR_REJECTED 16
#define FREE_THE_WINDOW 17
#define WINDOW 18
#define RECEIPTS_FROM_THE_BRIDGE_ALONE 19
#define LIST_THE_SPOOL_AT_START 20
#define DOUBT_IS_NO_SUCCESS 21
#define RETRY_THE_STORE 22
#define KEEP_THE_SESSION 23
#define ALTERNATIVE_KEY 24
#define KEEP_WHAT_IS_REJECTED 25
#define RECEIPT_NAMES_ITS_CAPTURE 26
#define ASK_FOR_BAD_NEWS_AGAIN 27

byte removed;                      /* the rule that is not kept; 0 = none */
byte budget;                       /* how many faults may still happen */
byte captures;                     /* how many are made: 1 or 2 */
bool receipts;                     /* RECEIPTS=on */
bool forgetful;                    /* brokers may lose what they hold */
bool colliding;                    /* S3_KEY_TEMPLATE gives both captures the same key */
bool poison;                       /* capture 1 can never be stored as an image */
bool revocation;                   /* the edge may be revoked once, and is renewed */
bool tiny;                         /* the spool has room for one capture */
bool power;                        /* the edge's power may be cut */
bool two;                          /* uploaders that share the subscription, or threads of one */

/* The edge's disk, by name. 0 = no file, else capture + 1. */
byte seen[C];                      /* what programs see */
byte durable[C];                   /* what a power cut leaves */
bool reached[C];                   /* `put` has returned: the promise begins */
bool dropped[C];                   /* given up by a full spool, and counted */
byte to_make = 0;
bool writing = false;              /* a capture is written and not synced */

/* The send window, by name. */
mtype = { none, waiting, sent, held, orphan };  /* an orphan is sent, and no PUBACK will come */
mtype flight[C] = none;
bool cut = false;                  /* the camera's connection to its broker is lost */
bool down = false;                 /* the camera takes the bridge for down: no timeout ends then */

/* The brokers: which messages each holds, and which receipts are on their way back. More copies would say nothing new:
   a second delivery comes of what an uploader holds, and of what is sent, forwarded or delivered again meanwhile. */
bool edge[C], cloud[C], receipt[C];

/* The bucket. */
byte object[KEYS];                 /* 0 = none, else capture + 1 */
bool rejected[C];                  /* kept below rejected/ */
byte writes[C];                    /* how often a capture was written: versions, events, bills */
bool late[C];                      /* a PUT that its sender gave up on, still on its way */
bool false_receipt = false;        /* a receipt for what is not stored */

bool revoked = false;
byte revocations = 0;

#define NAME(c) (WITHOUT(DIGEST_IN_THE_ID) -> 0 : c)
#define KEY(c) ((colliding || WITHOUT(DIGEST_IN_THE_ID)) -> 0 : c)
#define ALTERNATIVE(c) (2 + c)
#define IN_FLIGHT ((flight[0] != none && flight[0] != waiting) + (flight[1] != none && flight[1] != waiting))
#define HAS_ROOM (IN_FLIGHT < 1 || WITHOUT(WINDOW))
#define IS_AT(k, c) (object[k] == c + 1)
#define IN_BUCKET(c) (IS_AT(0, c) || IS_AT(1, c) || IS_AT(2, c) || IS_AT(3, c) || rejected[c])
#define OBJECTS(c) (IS_AT(0, c) + IS_AT(1, c) + IS_AT(2, c) + IS_AT(3, c) + rejected[c])
#define SPOOLED(c) (seen[0] == c + 1 || seen[1] == c + 1)
#define FAULT(guard) (guard) && budget > 0 -> budget--

inline publish(n) {                /* from the spool, if it is still there */
  if
  :: seen[n] != 0 -> edge[seen[n] - 1] = true; flight[n] = sent
  :: seen[n] == 0 && !WITHOUT(FREE_THE_WINDOW) -> flight[n] = none
  :: seen[n] == 0 && WITHOUT(FREE_THE_WINDOW) -> flight[n] = held
  fi
}

inline forget(n) { seen[n] = 0; flight[n] = none }

inline restart_camera() {          /* the window lived in memory, the queue of unacknowledged packets too */
  writing = false;
  cut = false;
  n = 0;
  do
  :: n < C ->
     if
     :: seen[n] != 0 && !WITHOUT(LIST_THE_SPOOL_AT_START) -> flight[n] = waiting
     :: else -> flight[n] = none
     fi;
     n++
  :: else -> break
  od;
  n = 0
}

/* Makes captures, oldest first. A crash between the steps takes the capture with it: it had not reached the spool. */
proctype Camera() {
  byte n = 0;
  do
  :: atomic { to_make < captures && !writing ->
       if                           /* a full spool gives up its oldest capture, and counts it */
       :: tiny && to_make == 1 && seen[0] != 0 -> dropped[0] = !WITHOUT(COUNT_DROPS); seen[0] = 0
       :: else
       fi;
       seen[NAME(to_make)] = to_make + 1;
       writing = true }
  :: atomic { writing ->
       if
       :: power && !WITHOUT(SYNC) -> durable[NAME(to_make)] = to_make + 1
       :: else
       fi;
       reached[to_make] = true;
       if
       :: flight[NAME(to_make)] == none -> flight[NAME(to_make)] = waiting
       :: else
       fi;
       writing = false;
       to_make++ }
  :: atomic { FAULT(to_make > 0);                                          /* kill -9 */
       if :: writing -> seen[NAME(to_make)] = 0; to_make++ :: else fi;       /* it was not finished: quarantined */
       restart_camera() }
  :: atomic { FAULT(power && to_make > 0);                                 /* the power is cut */
       if :: writing -> to_make++ :: else fi;
       do
       :: n < C ->
          if
          :: seen[n] == 0 && durable[n] != 0 -> seen[n] = durable[n]         /* a deletion that was not on disk yet */
          :: seen[n] == 0 -> durable[n] = 0
          :: seen[n] != 0 -> seen[n] = durable[n]
          fi;
          n++
       :: else -> break
       od;
       restart_camera() }
  :: to_make == captures                                           /* no fault has to happen */
  od
}

/* Publishes what waits, within the window; again after a timeout and after each reconnect. */
proctype Publisher() {
  byte n;
  do
  :: atomic { !cut && flight[0] == waiting && HAS_ROOM -> publish(0) }
  :: atomic { !cut && flight[1] == waiting && HAS_ROOM -> publish(1) }
  :: atomic { !cut && (flight[0] == sent || flight[1] == sent) ->            /* PUBACK */
       if :: flight[0] == sent -> n = 0 :: flight[1] == sent -> n = 1 fi;
       flight[n] = held;
       if
       :: !receipts || WITHOUT(KEEP_UNTIL_RECEIPT) -> forget(n)
       :: else
       fi;
       n = 0 }
  :: atomic { receipts && !down && flight[0] == held && !WITHOUT(TIMEOUT) -> flight[0] = waiting }
  :: atomic { receipts && !down && flight[1] == held && !WITHOUT(TIMEOUT) -> flight[1] = waiting }
  :: atomic { down && !cut && !WITHOUT(ASK_FOR_BAD_NEWS_AGAIN) ->            /* it is up: all that is held goes again */
       down = false;
       if :: flight[0] == held -> flight[0] = waiting :: else fi;
       if :: flight[1] == held -> flight[1] = waiting :: else fi }
  :: atomic { cut ->                                                         /* connected again */
       cut = false;
       n = 0;
       do
       :: n < C ->
          if
          :: flight[n] == sent && !WITHOUT(RESEND_UNACKNOWLEDGED) -> publish(n)
          :: flight[n] == sent && WITHOUT(RESEND_UNACKNOWLEDGED) -> flight[n] = orphan
          :: flight[n] == held && !WITHOUT(REQUEUE_ON_RECONNECT) -> flight[n] = waiting
          :: else
          fi;
          n++
       :: else -> break
       od;
       n = 0 }
  od
}

proctype Receiver() {              /* of receipts, at the camera */
  do
  :: atomic { !cut && !revoked && receipt[0] && WITHOUT(RECEIPT_NAMES_ITS_CAPTURE) -> receipt[0] = false; forget(1) }
  :: atomic { !cut && !revoked && receipt[0] && !WITHOUT(RECEIPT_NAMES_ITS_CAPTURE) -> receipt[0] = false; forget(0) }
  :: atomic { !cut && !revoked && receipt[1] -> receipt[1] = false; forget(1) }
  od
}

proctype Bridge() {
  do
  :: atomic { !revoked && edge[0] -> edge[0] = false; cloud[0] = true }
  :: atomic { !revoked && edge[1] -> edge[1] = false; cloud[1] = true }
  od
}

inline write(k, c) {               /* PUT with If-None-Match: * */
  if
  :: object[k] == 0 || WITHOUT(CONDITION) -> object[k] = c + 1; writes[c] = (writes[c] < 2 -> writes[c] + 1 : 2); taken = false
  :: else -> taken = true
  fi
}

inline answer(c) {                 /* a receipt is published, best effort */
  if
  :: !receipts
  :: receipts && poison && c == 1 && WITHOUT(RECEIPT_FOR_REJECTED)
  :: receipts && !is_new && WITHOUT(RECEIPT_FOR_A_DUPLICATE)
  :: else ->
     false_receipt = false_receipt || !IN_BUCKET(c);
     receipt[NAME(c)] = true
  fi
}

inline acknowledge() {             /* on the connection that delivered it; on another one the number is another message's */
  if
  :: !elsewhere
  :: elsewhere && !WITHOUT(ACKNOWLEDGE_WHERE_DELIVERED)
  :: elsewhere && WITHOUT(ACKNOWLEDGE_WHERE_DELIVERED) ->
     if
     :: cloud[0] -> cloud[0] = false
     :: cloud[1] -> cloud[1] = false
     :: !cloud[0] && !cloud[1]
     fi
  fi;
  elsewhere = false;
  acknowledged = true
}

inline redeliver(c) {              /* the session has kept what was not acknowledged */
  if
  :: !acknowledged && !elsewhere && !WITHOUT(KEEP_THE_SESSION) -> cloud[c] = true
  :: else
  fi
}

inline begin_again() { redeliver(c); elsewhere = false; acknowledged = false; is_new = false; taken = false; c = 0; goto idle }

inline store(c) {                  /* is_new: written now, and not found there */
  taken = false;
  is_new = true;
  if
  :: poison && c == 1 ->
     is_new = !rejected[c];
     writes[c] = writes[c] + !rejected[c];
     rejected[c] = !WITHOUT(KEEP_WHAT_IS_REJECTED)
  :: else ->
     write(KEY(c), c);
     if
     :: taken && (IS_AT(KEY(c), c) || WITHOUT(OWNER_OF_A_TAKEN_KEY) || WITHOUT(DIGEST_IN_THE_ID)) -> is_new = false
     :: taken && !(IS_AT(KEY(c), c) || WITHOUT(OWNER_OF_A_TAKEN_KEY) || WITHOUT(DIGEST_IN_THE_ID)) ->
        if :: WITHOUT(ALTERNATIVE_KEY) -> begin_again() :: else fi;           /* tried again and again */
        write(ALTERNATIVE(c), c);
        is_new = !taken
     :: !taken
     fi
  fi;
  taken = false
}

proctype Uploader() {
  byte c = 0;
  bool elsewhere = false, acknowledged = false, is_new = false, taken = false;
idle:
  atomic {
    if
    :: cloud[0] -> c = 0
    :: cloud[1] -> c = 1
    fi;
    cloud[c] = false;
    if
    :: revoked ->                                                            /* dropped unread */
       if
       :: receipts && WITHOUT(NO_RECEIPT_WHILE_REVOKED) ->
          false_receipt = false_receipt || !IN_BUCKET(c);
          receipt[NAME(c)] = true
       :: else
       fi;
       c = 0;
       goto idle
    :: poison && c == 1 && WITHOUT(REJECT) -> begin_again()                  /* it ends the program, again and again */
    :: else
    fi;
    if :: WITHOUT(STORE_BEFORE_ACKNOWLEDGING) -> acknowledge() :: else fi;
    if
    :: WITHOUT(RECEIPT_AFTER_STORING) -> is_new = true; answer(c)
    :: else
    fi
  }
putting:
  if
  :: atomic { true -> store(c) }
  :: atomic { FAULT(true); store(c);                                               /* done, but the answer is lost */
       if :: WITHOUT(RETRY_THE_STORE) -> acknowledge(); begin_again() :: else -> goto putting fi }
  :: atomic { FAULT(true);                                                         /* not done */
       if
       :: WITHOUT(DOUBT_IS_NO_SUCCESS) -> is_new = true
       :: WITHOUT(RETRY_THE_STORE) -> acknowledge(); begin_again()
       :: else -> goto putting
       fi }
  :: atomic { FAULT(true); late[c] = true; goto putting }                          /* given up, and done later */
  :: atomic { FAULT(true); begin_again() }                                         /* kill -9 */
  :: atomic { FAULT(!elsewhere); redeliver(c); elsewhere = true; goto putting }  /* connection lost */
  fi;
stored:
  if
  :: atomic { !acknowledged -> acknowledge() }
  :: atomic { acknowledged -> skip }
  :: atomic { FAULT(true); begin_again() }
  :: atomic { FAULT(!elsewhere && !acknowledged); redeliver(c); elsewhere = true; goto stored }
  fi;
  if
  :: atomic { true -> answer(c) }
  :: atomic { FAULT(true) }                                                        /* killed: the receipt is lost */
  fi;
  atomic { acknowledged = false; is_new = false; taken = false; c = 0; goto idle }
}

proctype S3() {                    /* does at last what its sender no longer waits for */
  byte n;
  bool taken;
  do
  :: atomic { late[0] -> late[0] = false; write(KEY(0), 0); taken = false }
  :: atomic { late[1] && !poison -> late[1] = false; write(KEY(1), 1); taken = false }
  :: atomic { late[1] && poison -> late[1] = false; writes[1] = writes[1] + !rejected[1]; rejected[1] = true }
  od
}

proctype Misfortune() {            /* both brokers lose what they like, together and at any time */
  do
  :: atomic { FAULT(forgetful && (edge[0] || edge[1])); edge[0] = false; edge[1] = false; cut = true }
  :: atomic { FAULT(forgetful && cloud[0]); cloud[0] = false }
  :: atomic { FAULT(forgetful && cloud[1]); cloud[1] = false }
  :: atomic { FAULT(forgetful && receipt[0]); receipt[0] = false }
  :: atomic { FAULT(forgetful && receipt[1]); receipt[1] = false }
  :: atomic { FAULT(forgetful && edge[0]); edge[0] = false }
  :: atomic { FAULT(forgetful && edge[1]); edge[1] = false }
  :: atomic { FAULT(!cut); cut = true }
  :: atomic { FAULT(receipts && !down && (flight[0] == held || flight[1] == held)); down = true }  /* the word that it is up is lost */
  :: atomic { FAULT(edge[0] && !cloud[0]); cloud[0] = true }               /* forwarded, the bridge's PUBACK lost */
  :: atomic { FAULT(edge[1] && !cloud[1]); cloud[1] = true }
  :: atomic { FAULT(receipts && WITHOUT(RECEIPTS_FROM_THE_BRIDGE_ALONE)); receipt[0] = true }
  :: budget < 255                                                                 /* no fault has to happen */
  od
}

proctype Operator() {
  do
  :: atomic { revocation && revocations == 0 -> revoked = true; revocations++ }
  :: atomic { revoked -> revoked = false }                                   /* enrolled again */
  :: !revoked                                                      /* nobody has to be revoked */
  od
}

init {
  atomic {
    c_code {
      #define SET(name) (getenv(#name) ? atoi(getenv(#name)) : 0)
      now.removed = SET(removed); now.budget = SET(budget); now.receipts = SET(receipts); now.forgetful = SET(forgetful);
      now.colliding = SET(colliding); now.poison = SET(poison); now.revocation = SET(revocation); now.tiny = SET(tiny); now.two = SET(two);
      now.power = SET(power); now.captures = SET(captures);
    };
    run Camera(); run Publisher(); run Receiver(); run Bridge(); run Uploader();
    if :: two -> run Uploader() :: else fi;
    if :: budget > 0 -> run S3(); run Misfortune() :: else fi;
    if :: revocation -> run Operator() :: else fi
  }
}

#define KEPT(c) (!reached[c] || SPOOLED(c) || dropped[c] || IN_BUCKET(c))
#define ONCE(c) (OBJECTS(c) <= 1 && writes[c] <= 1)
#define SETTLED(c) (!reached[c] || dropped[c] || IN_BUCKET(c))

/* Never twice; never a receipt for what is not stored; with receipts: always in the spool, in the bucket, or counted. */
ltl safe { [] (ONCE(0) && ONCE(1) && !false_receipt && (!receipts || (KEPT(0) && KEPT(1)))) }
/* Once the faults have ended: everything is stored, and the spool is empty. */
ltl settles { <> [] (SETTLED(0) && SETTLED(1) && seen[0] == 0 && seen[1] == 0) }
