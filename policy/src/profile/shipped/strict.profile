# For a small server that answers on its descriptors and needs nothing but the system's files.
CapabilityBoundingSet=
NoNewPrivileges=yes
ReadOnlyPaths=
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @kernel-attack @aio @keyring @memlock @resources
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX
?SocketBindDeny=tcp
?SocketConnectDeny=tcp
?ScopeAbstractUnixSockets=yes
?ScopeSignals=yes
KeyringMode=private
LimitCORE=0
UMask=077
