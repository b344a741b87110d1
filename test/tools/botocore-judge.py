"""Plays a backup and a restore against an endpoint with botocore, and prints as JSON what it saw.

botocore reads AWS's own descriptions of its services, and parses and signs by code of its own.
Debian's awscli brings it under another name.
"""
import base64
import hashlib
import json
import sys

try:
    import botocore.session
except ImportError:
    import awscli  # noqa: F401  makes its own copy known as botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

url, access_key, secret, instance_id, role = sys.argv[1:]
session = botocore.session.get_session()


def client(service, key=(access_key, secret, None)):
    return session.create_client(
        service, region_name='eu-central-1', endpoint_url=url, aws_access_key_id=key[0],
        aws_secret_access_key=key[1], aws_session_token=key[2],
        config=Config(retries={'max_attempts': 1, 'mode': 'standard'}))


def code_of(call, **arguments):
    try:
        call(**arguments)
        return None
    except ClientError as error:
        return [error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']]


sts = client('sts')
assumed = sts.assume_role(RoleArn=role, RoleSessionName='judge', ExternalId='between-us')['Credentials']
key = (assumed['AccessKeyId'], assumed['SecretAccessKey'], assumed['SessionToken'])
ec2, ebs = client('ec2', key), client('ebs', key)
seen = {'who': client('sts', key).get_caller_identity()['Arn']}

found = ec2.get_paginator('describe_instances').paginate(
    Filters=[{'Name': 'instance-state-name', 'Values': ['running']}], PaginationConfig={'PageSize': 5})
seen['instances'] = sorted(i['InstanceId'] for page in found for r in page['Reservations'] for i in r['Instances'])
seen['dry'] = code_of(ec2.create_snapshots, InstanceSpecification={'InstanceId': instance_id}, DryRun=True)
made = ec2.create_snapshots(InstanceSpecification={'InstanceId': instance_id}, TagSpecifications=[
    {'ResourceType': 'snapshot', 'Tags': [{'Key': 'guestlift:run', 'Value': 'a b&<c>'}]}])['Snapshots']
ids = [snapshot['SnapshotId'] for snapshot in made]
seen['pending'] = code_of(ebs.list_snapshot_blocks, SnapshotId=ids[0])
ec2.get_waiter('snapshot_completed').wait(SnapshotIds=ids, WaiterConfig={'Delay': 0, 'MaxAttempts': 5})
tagged = ec2.describe_snapshots(OwnerIds=['self'], Filters=[{'Name': 'tag:guestlift:run', 'Values': ['a b&<c>']}])
seen['tagged'] = [[s['State'], s['VolumeSize']] for s in tagged['Snapshots']]

blocks, token = [], {}
while True:
    page = ebs.list_snapshot_blocks(SnapshotId=ids[0], MaxResults=100, **token)
    blocks += page['Blocks']
    if 'NextToken' not in page:
        break
    token = {'NextToken': page['NextToken']}
seen['count'], seen['ascending'] = len(blocks), blocks == sorted(blocks, key=lambda block: block['BlockIndex'])

copy = ebs.start_snapshot(VolumeSize=1, ClientToken='judge', Timeout=60, Description='restored')
target, sums = copy['SnapshotId'], b''
for block in blocks[:3]:
    index = block['BlockIndex']
    got = ebs.get_snapshot_block(SnapshotId=ids[0], BlockIndex=index, BlockToken=block['BlockToken'])
    data = got['BlockData'].read()
    digest = hashlib.sha256(data).digest()
    sums += digest
    assert got['Checksum'] == base64.b64encode(digest).decode(), 'the sum of a block is wrong'
    put = dict(SnapshotId=target, BlockIndex=index, BlockData=data, DataLength=len(data), ChecksumAlgorithm='SHA256')
    seen['wrong'] = code_of(ebs.put_snapshot_block, Checksum=base64.b64encode(bytes(32)).decode(), **put)
    ebs.put_snapshot_block(Checksum=got['Checksum'], **put)
ebs.complete_snapshot(SnapshotId=target, ChangedBlocksCount=3, ChecksumAlgorithm='SHA256',
                      Checksum=base64.b64encode(hashlib.sha256(sums).digest()).decode(),
                      ChecksumAggregationMethod='LINEAR')
ec2.get_waiter('snapshot_completed').wait(SnapshotIds=[target], WaiterConfig={'Delay': 0, 'MaxAttempts': 5})
image = ec2.register_image(Name='judged', Architecture='x86_64', VirtualizationType='hvm', RootDeviceName='/dev/xvda',
                           BlockDeviceMappings=[{'DeviceName': '/dev/xvda', 'Ebs': {'SnapshotId': target}}])['ImageId']
ec2.get_waiter('image_available').wait(ImageIds=[image], WaiterConfig={'Delay': 0, 'MaxAttempts': 5})
seen['in use'] = code_of(ec2.delete_snapshot, SnapshotId=target)
ec2.deregister_image(ImageId=image)
for each in ids + [target]:
    ec2.delete_snapshot(SnapshotId=each)
seen['gone'] = code_of(ec2.delete_snapshot, SnapshotId=target)
seen['gone too'] = code_of(ebs.list_snapshot_blocks, SnapshotId=target)
print(json.dumps(seen))
