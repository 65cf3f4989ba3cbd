# For services from inetd.conf and xinetd.d, which were written for full rights: only what no
# ordinary server misses is taken away.
#
# A server that runs as root keeps what telnetd's login, ftpd and rshd need to become somebody
# else, and CAP_AUDIT_CONTROL, without which pam_loginuid fails in a daemon that was started
# from somebody's session. Any other user has no capability at all.
CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_BOOT CAP_SYS_ADMIN CAP_SYS_TIME
CapabilityBoundingSet=~CAP_SYS_PACCT CAP_SYSLOG CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_BPF
CapabilityBoundingSet=~CAP_PERFMON CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_CHECKPOINT_RESTORE
CapabilityBoundingSet=~CAP_AUDIT_READ
NoNewPrivileges=unless-root
SystemCallFilter=~@kernel-attack
SystemCallErrorNumber=EPERM
KeyringMode=private
