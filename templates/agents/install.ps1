# Puts windlass-agent onto this machine, has it enrol with {{ facts.title }}, and starts it.
#
#   $env:WINDLASS_NAME='NAME'; $env:WINDLASS_TOKEN='TOKEN'; irm {{ facts.url }}/agent/install.ps1 | iex
#
# `windlass agent token NAME` prints that line whole. An administrator's shell installs a service;
# any other starts the agent until the next logout. Variables:
#   WINDLASS_TOKEN   the one-time token
#   WINDLASS_NAME    the agent's name; without it the machine's own
#   WINDLASS_MASTER  another way to the master
#   WINDLASS_DIR     where the program goes
#   WINDLASS_START   `no` leaves the starting to you

& {
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    $programs = @{
{%- for program in facts.programs %}
        '{{ program.arch }}{% if program.tls %}-tls{% endif %}' = @('{{ program.file }}', '{{ program.sha256 }}')
{%- endfor %}
    }
    if (-not $env:WINDLASS_TOKEN) {
        throw 'WINDLASS_TOKEN is missing: "windlass agent token NAME" on the master prints the whole line'
    }
    $name = if ($env:WINDLASS_NAME) { $env:WINDLASS_NAME } else { $env:COMPUTERNAME }
    $master = if ($env:WINDLASS_MASTER) { $env:WINDLASS_MASTER } else { '{{ facts.master }}' }
    $machine = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
    # Windows on ARM runs programs for x86_64.
    $arch = switch ($machine) { 'AMD64' { 'x86_64' } 'ARM64' { if ($programs['aarch64']) { 'aarch64' } else { 'x86_64' } } default { $machine } }
    if ($master -like 'tls://*' -or $master -like 'https://*') { $arch = "$arch-tls" }
    $chosen = $programs[$arch]
    if (-not $chosen) {
        throw "the master has no program for Windows on $arch; its administrator puts what agent/dist makes into the folder 'agents' of its data folder"
    }
    $file, $sum = $chosen
    $admin = ([Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
    $dir = if ($env:WINDLASS_DIR) { $env:WINDLASS_DIR } elseif ($admin) { Join-Path $env:ProgramFiles 'windlass-agent' } else { Join-Path $env:LOCALAPPDATA 'windlass-agent\program' }
    New-Item -ItemType Directory -Force -Path $dir | Out-Null
    $program = Join-Path $dir 'windlass-agent.exe'
    $part = Join-Path $dir "part-$PID.exe"
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    Write-Host "windlass: fetching $file"
    try {
        Invoke-WebRequest -UseBasicParsing -Uri "{{ facts.url }}/agent/bin/$file" -OutFile $part
        $found = (Get-FileHash -Algorithm SHA256 -Path $part).Hash.ToLower()
        if ($found -ne $sum) { throw "$file came damaged: its SHA-256 is $found, not $sum" }
        Move-Item -Force -Path $part -Destination $program
    } finally {
        Remove-Item -Force -ErrorAction SilentlyContinue -Path $part
    }
    $env:WINDLASS_TOKEN | & $program enroll --token - --master $master --name $name
    if ($LASTEXITCODE -ne 0) { throw 'the agent did not enrol' }
    Remove-Item Env:WINDLASS_TOKEN
    if ($env:WINDLASS_START -eq 'no') {
        Write-Host "windlass: start it with: & '$program' run"
        return
    }
    if ($admin) {
        & $program install
        if ($LASTEXITCODE -eq 0) { Write-Host 'windlass: installed as a service'; return }
    }
    $process = Start-Process -FilePath $program -ArgumentList 'run' -WindowStyle Hidden -PassThru
    Write-Host "windlass: started as process $($process.Id); start it after a reboot with: & '$program' run"
}
