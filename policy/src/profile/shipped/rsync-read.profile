# An rsync daemon that only sends. The modules' directories are added with ReadOnlyPaths.
#
# As root it may still read everything below them, chroot into them and take on the module's
# uid and gid. It looks up no names: rules by host name in rsyncd.conf cannot match, so write
# them as addresses or in hosts.allow. A lock file, for `max connections`, must exist
# beforehand at the default place.
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_SYS_CHROOT CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ReadOnlyPaths=
ReadWritePaths=-/run/rsyncd.lock
SystemCallFilter=~@kernel-attack @keyring @memlock @pkey mknod mknodat
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX
?SocketBindDeny=tcp
?SocketConnectDeny=tcp
?ScopeAbstractUnixSockets=yes
?ScopeSignals=yes
KeyringMode=private
LimitCORE=0
